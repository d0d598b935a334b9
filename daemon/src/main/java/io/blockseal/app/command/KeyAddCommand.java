package io.blockseal.app.command;

import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.NewKey;
import io.blockseal.keysource.KeySource;
import io.blockseal.volume.Volume;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal key add}: one more key that opens the volume. */
@Command(
        name = "add",
        header = "Add a key that opens a volume.",
        description = {
            "",
            "Needs a key that opens it already, and exactly one --new option. Stop serving the volume first.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal key add demo.bsl --key-file demo.key --new-passphrase",
            "  blockseal key add demo.bsl --key-file demo.key --new-key-file second.key --label laptop",
            "  blockseal key add demo.bsl --key-file demo.key --new-recovery-key",
            ""
        })
public final class KeyAddCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Mixin
    private final NewKeyOptions newKey = new NewKeyOptions();

    @Option(names = "--label", paramLabel = "TEXT", description = "A name for the slot.")
    private @Nullable String label;

    @Override
    public Integer call() throws Exception {
        newKey.requireOne();
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper()) {
            KeySource opening = volume.key(places, keys);
            try (Volume open = volume.open(foundation, opening, keys, false, keeper)) {
                NewKey made = newKey.make(places, volume.path());
                int slot;
                try {
                    slot = open.keySlots()
                            .add(
                                    List.of(opening),
                                    made.source(),
                                    label == null ? made.source().kind() : label);
                } catch (Exception failed) {
                    made.discard();
                    throw failed;
                }
                out().println(volume.path() + ": key slot " + slot + ": " + made.description());
                NewKeyOptions.showOnce(made, out());
            }
        }
        return ExitCode.OK.number();
    }
}
