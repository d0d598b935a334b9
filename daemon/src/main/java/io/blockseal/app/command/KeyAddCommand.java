package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.NewKey;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.KeyConfig.Kind;
import io.blockseal.keysource.KeySource;
import io.blockseal.volume.Volume;
import java.io.PrintWriter;
import java.util.ArrayList;
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

    @Option(
            names = "--new-key-file",
            paramLabel = "FILE",
            description = "The new key file. One that is missing is made, with mode 0600.")
    private @Nullable String newKeyFile;

    @Option(names = "--new-passphrase", description = "Ask for the new passphrase on the terminal, twice.")
    private boolean newPassphrase;

    @Option(
            names = "--new-passphrase-file",
            paramLabel = "FILE",
            description = "The new passphrase: the first line of FILE.")
    private @Nullable String newPassphraseFile;

    @Option(names = "--new-recovery-key", description = "Make a recovery key and print it, this once.")
    private boolean newRecoveryKey;

    @Option(names = "--allow-weak-passphrase", description = "Take a passphrase of fewer than 12 characters.")
    private boolean allowWeak;

    @Option(names = "--label", paramLabel = "TEXT", description = "A name for the slot.")
    private @Nullable String label;

    @Override
    public Integer call() throws Exception {
        KeyConfig added = added();
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper()) {
            KeySource opening = volume.key(places, keys);
            try (Volume open = volume.open(foundation, opening, keys, false, keeper)) {
                NewKey made = added == null
                        ? places.makeRecoveryKey()
                        : places.makeOrOpen(added, "New passphrase of " + volume.path(), allowWeak);
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
                PrintWriter out = out();
                out.println(volume.path() + ": key slot " + slot + ": " + made.description());
                if (made.mustBeShown()) {
                    out.println("  Shown this once; write it down and keep it away from this machine:");
                    out.print("  ");
                    made.show(out);
                    out.println();
                }
                out.flush();
            }
        }
        return ExitCode.OK.number();
    }

    /** The new key's place, or null for a recovery key. */
    private @Nullable KeyConfig added() throws CommandException {
        List<@Nullable KeyConfig> wanted = new ArrayList<>();
        if (newKeyFile != null) {
            wanted.add(KeyOptions.key(Kind.KEY_FILE, newKeyFile));
        }
        if (newPassphrase) {
            wanted.add(new KeyConfig(Kind.PASSPHRASE_PROMPT, ""));
        }
        if (newPassphraseFile != null) {
            wanted.add(KeyOptions.key(Kind.PASSPHRASE_FILE, newPassphraseFile));
        }
        if (newRecoveryKey) {
            wanted.add(null);
        }
        if (wanted.size() != 1) {
            throw new CommandException(
                    ExitCode.USAGE,
                    (wanted.isEmpty() ? "no new key is named" : wanted.size() + " new keys are named") + ".\n"
                            + "  Give exactly one of --new-key-file, --new-passphrase, --new-passphrase-file,"
                            + " --new-recovery-key.");
        }
        return wanted.get(0);
    }
}
