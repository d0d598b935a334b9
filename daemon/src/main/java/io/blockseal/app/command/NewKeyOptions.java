package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.key.NewKey;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.KeyConfig.Kind;
import io.blockseal.keysource.KeySourceException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a new key for a volume comes from, or that one is to be made. */
public final class NewKeyOptions {
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

    @Option(
            names = "--new-key-source",
            paramLabel = "URI",
            description = "The vault, module or program that is to wrap the volume key: see docs/keysources.md.")
    private @Nullable String newKeySource;

    @Option(names = "--new-recovery-key", description = "Make a recovery key and print it, this once.")
    private boolean newRecoveryKey;

    @Option(names = "--allow-weak-passphrase", description = "Take a passphrase of fewer than 12 characters.")
    private boolean allowWeak;

    /** Whether any new key was named. */
    boolean given() {
        return newKeyFile != null
                || newPassphrase
                || newPassphraseFile != null
                || newRecoveryKey
                || newKeySource != null;
    }

    /** Refuses none, and more than one. */
    void requireOne() throws CommandException {
        place();
    }

    /** The new key; a key file that is missing is made now. */
    NewKey make(KeyPlaces places, Path volume) throws CommandException, KeySourceException {
        KeyConfig place = place();
        return place == null
                ? places.makeRecoveryKey()
                : places.makeOrOpen(place, "New passphrase of " + volume, allowWeak);
    }

    /** Likewise, to be sent to a daemon. */
    NewKeyToSend toSend(KeyPlaces places, Path volume) throws CommandException, KeySourceException {
        NewKey made = make(places, volume);
        try {
            return new NewKeyToSend(made, places.newToSend(place(), made, "New passphrase of " + volume, allowWeak));
        } catch (KeySourceException failed) {
            made.discard();
            throw failed;
        }
    }

    /** Shows a recovery key; of other keys there is nothing to show. */
    static void showOnce(NewKey made, PrintWriter out) throws KeySourceException {
        if (made.mustBeShown()) {
            out.println("  Shown this once; write it down and keep it away from this machine:");
            out.print("  ");
            made.show(out);
            out.println();
        }
        out.flush();
    }

    /** The new key's place, or null for a recovery key. */
    private @Nullable KeyConfig place() throws CommandException {
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
        if (newKeySource != null) {
            wanted.add(KeyOptions.key(Kind.KEY_SOURCE, newKeySource));
        }
        if (newRecoveryKey) {
            wanted.add(null);
        }
        if (wanted.size() != 1) {
            throw new CommandException(
                    ExitCode.USAGE,
                    (wanted.isEmpty() ? "no new key is named" : wanted.size() + " new keys are named") + ".\n"
                            + "  Give exactly one of --new-key-file, --new-passphrase, --new-passphrase-file,"
                            + " --new-key-source, --new-recovery-key.");
        }
        return wanted.get(0);
    }
}
