package io.blockseal.app.command;

import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.VolumeInfo;
import io.blockseal.volume.VolumeStores;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal key list}: without a key, also while the volume is served. */
@Command(
        name = "list",
        header = "List the key slots of a volume.",
        footer = {"", "Example:", "  blockseal key list demo.bsl --json", ""})
public final class KeyListCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        VolumeInfo info;
        try (Foundation foundation = engine.lay()) {
            VolumeStores stores = volume.stores(foundation, StoreOptions.PEEK);
            try {
                info = VolumeInfo.read(stores.metadata());
            } finally {
                stores.close();
            }
        }
        PrintWriter out = out();
        if (json) {
            out.print(JsonText.of(document -> {
                document.writeStringField("volume", volume.path().toString());
                KeySlotText.write(document, info.keySlots());
            }));
        } else {
            for (KeySlotInfo slot : info.keySlots()) {
                out.println(KeySlotText.of(slot));
            }
        }
        out.flush();
        return ExitCode.OK.number();
    }
}
