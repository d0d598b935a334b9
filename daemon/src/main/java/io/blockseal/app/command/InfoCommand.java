package io.blockseal.app.command;

import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.config.ByteSize;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.VolumeInfo;
import io.blockseal.volume.VolumeStores;
import java.io.PrintWriter;
import java.time.Instant;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal info}: what can be told without a key, also while the volume is served. */
@Command(
        name = "info",
        header = "Tell about a volume, without its key.",
        description = {
            "",
            "Reads the metadata's head only. Without the key nothing of it can be verified: who can write to the store"
                    + " can make it say anything. 'check' with a key verifies.",
            ""
        },
        footer = {"", "Example:", "  blockseal info demo.bsl --json", ""})
public final class InfoCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        VolumeInfo info;
        long storeBytes;
        long allocatedBytes;
        try (Foundation foundation = engine.lay()) {
            VolumeStores stores = volume.stores(foundation, StoreOptions.PEEK);
            try {
                info = VolumeInfo.read(stores.metadata());
                storeBytes = stores.data().sizeBytes();
                allocatedBytes = stores.data().allocatedBytes();
            } finally {
                stores.close();
            }
        }
        PrintWriter out = out();
        out.print(json ? json(info, storeBytes, allocatedBytes) : text(info, storeBytes, allocatedBytes));
        out.flush();
        return (info.complaints().isEmpty() ? ExitCode.OK : ExitCode.DAMAGED).number();
    }

    private String text(VolumeInfo info, long storeBytes, long allocatedBytes) {
        StringBuilder text = new StringBuilder();
        line(text, "volume", volume.path() + (info.label().isEmpty() ? "" : " (" + info.label() + ")"));
        line(text, "uuid", info.uuid().toString());
        line(text, "identity", info.identity());
        line(text, "format", info.majorVersion() + "." + info.minorVersion());
        line(text, "size", ByteSize.human(info.sizeBytes()) + " (" + info.sizeBytes() + " bytes)");
        line(text, "data unit", info.unitBytes() + " bytes");
        line(text, "ranges", info.rangeCount() + " of " + ByteSize.human(info.rangeBytes()));
        line(text, "store", ByteSize.human(storeBytes) + ", of which " + ByteSize.human(allocatedBytes) + " allocated");
        line(text, "metadata", info.detached() ? info.name() + " (detached)" : "in-band");
        line(text, "created", Instant.ofEpochSecond(info.createdSeconds()).toString());
        line(text, "changed", Instant.ofEpochSecond(info.committedSeconds()) + " (commit " + info.commitSeq() + ")");
        line(text, "key slots", String.valueOf(info.keySlots().size()));
        for (KeySlotInfo slot : info.keySlots()) {
            text.append("  ").append(KeySlotText.of(slot)).append('\n');
        }
        for (String complaint : info.complaints()) {
            line(text, "damage", complaint);
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append(name).append(" ".repeat(12 - name.length())).append(value).append('\n');
    }

    private String json(VolumeInfo info, long storeBytes, long allocatedBytes) {
        return JsonText.of(document -> {
            document.writeStringField("volume", volume.path().toString());
            document.writeStringField("label", info.label());
            document.writeStringField("uuid", info.uuid().toString());
            document.writeStringField("identity", info.identity());
            document.writeStringField("format", info.majorVersion() + "." + info.minorVersion());
            document.writeNumberField("sizeBytes", info.sizeBytes());
            document.writeNumberField("unitBytes", info.unitBytes());
            document.writeNumberField("rangeBytes", info.rangeBytes());
            document.writeNumberField("rangeCount", info.rangeCount());
            document.writeNumberField("storeBytes", storeBytes);
            document.writeNumberField("allocatedBytes", allocatedBytes);
            document.writeBooleanField("metadataDetached", info.detached());
            document.writeStringField(
                    "created", Instant.ofEpochSecond(info.createdSeconds()).toString());
            document.writeStringField(
                    "changed", Instant.ofEpochSecond(info.committedSeconds()).toString());
            document.writeNumberField("commitSeq", info.commitSeq());
            KeySlotText.write(document, info.keySlots());
            document.writeArrayFieldStart("damage");
            for (String complaint : info.complaints()) {
                document.writeString(complaint);
            }
            document.writeEndArray();
        });
    }
}
