package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Terminal;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.KeyConfig.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import picocli.CommandLine.Option;

/**
 * Where the key of an existing volume is to be found. The key itself is no option and no environment variable: both
 * can be read by others while we run.
 */
public final class KeyOptions {
    @Option(
            names = "--key-file",
            paramLabel = "FILE",
            description = "Key file: 32 raw bytes or 64 hexadecimal digits, mode 0600.")
    private List<String> keyFiles = new ArrayList<>();

    @Option(names = "--key-fd", paramLabel = "N", description = "Key from the open file descriptor N.")
    private List<String> keyDescriptors = new ArrayList<>();

    @Option(
            names = "--credential",
            paramLabel = "NAME",
            description = "Key from the file NAME in $$CREDENTIALS_DIRECTORY (systemd).")
    private List<String> credentials = new ArrayList<>();

    @Option(names = "--passphrase", description = "Ask for the passphrase on the terminal (the default there).")
    private boolean passphrase;

    @Option(names = "--passphrase-file", paramLabel = "FILE", description = "Passphrase: the first line of FILE.")
    private List<String> passphraseFiles = new ArrayList<>();

    @Option(
            names = "--passphrase-fd",
            paramLabel = "N",
            description = "Passphrase: the first line from the open file descriptor N.")
    private List<String> passphraseDescriptors = new ArrayList<>();

    @Option(
            names = "--recovery-key-file",
            paramLabel = "FILE",
            description = "The recovery key that was printed at creation, in a file.")
    private List<String> recoveryKeyFiles = new ArrayList<>();

    @Option(
            names = "--key-source",
            paramLabel = "URI",
            description = "A vault, a module or a program that has the key: see docs/keysources.md.")
    private List<String> keySources = new ArrayList<>();

    @Option(names = "--key-slot", paramLabel = "0-15", description = "Try this key slot only.")
    private int keySlot = -1;

    /** The only key slot to try, or -1. */
    public int keySlot() throws CommandException {
        if (keySlot < -1 || keySlot > 15) {
            throw new CommandException(
                    ExitCode.USAGE, "--key-slot " + keySlot + ": a volume has the key slots 0 to 15.");
        }
        return keySlot;
    }

    /** Whether any place was named. */
    public boolean given() throws CommandException {
        return !all().isEmpty();
    }

    /** The one key that was named, or a question on the terminal. */
    public KeyConfig one() throws CommandException {
        List<KeyConfig> all = all();
        if (all.size() > 1) {
            requireOneKind(all, 1);
        }
        return all.isEmpty() ? asked() : all.get(0);
    }

    /** Every key that was named, of whatever kinds, for one volume; or a question on the terminal. */
    public List<KeyConfig> each() throws CommandException {
        return given() ? all() : List.of(one());
    }

    /** The keys of each of {@code count} volumes: of one all that are named; of several one for all, or one for each. */
    public List<List<KeyConfig>> forVolumes(int count) throws CommandException {
        List<KeyConfig> all = all();
        if (all.isEmpty()) {
            return Collections.nCopies(count, List.of(asked()));
        }
        if (count == 1) {
            requireNoneTyped(all);
            return List.of(all);
        }
        requireOneKind(all, count);
        List<List<KeyConfig>> each = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            each.add(List.of(all.get(all.size() == 1 ? 0 : i)));
        }
        return each;
    }

    private static KeyConfig asked() throws CommandException {
        if (!Terminal.canAsk()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "no key is named, and there is no terminal to ask for a passphrase.\n"
                            + "  Add --key-file FILE, or another of the key options (--help).");
        }
        return new KeyConfig(Kind.PASSPHRASE_PROMPT, "");
    }

    private static void requireOneKind(List<KeyConfig> all, int count) throws CommandException {
        long kinds = all.stream().map(KeyConfig::kind).distinct().count();
        if (kinds > 1 || (all.size() > 1 && all.size() != count)) {
            throw new CommandException(
                    ExitCode.USAGE,
                    all.size() + " keys for " + count + (count == 1 ? " volume" : " volumes") + ".\n"
                            + "  Name one key for all, or one of the same kind for each, in the order of the volumes;"
                            + " a configuration file can say more (--config).");
        }
    }

    /** Which slot opens a volume at a start must not hang on whether somebody sits there. */
    private static void requireNoneTyped(List<KeyConfig> all) throws CommandException {
        if (all.size() > 1 && all.stream().anyMatch(key -> key.kind() == Kind.PASSPHRASE_PROMPT)) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--passphrase beside other keys.\n"
                            + "  A passphrase that is typed serves a volume alone; name a file: --passphrase-file.");
        }
    }

    /** Every key that was named. */
    List<KeyConfig> all() throws CommandException {
        List<KeyConfig> all = new ArrayList<>();
        add(all, Kind.KEY_FILE, keyFiles);
        add(all, Kind.KEY_FD, keyDescriptors);
        add(all, Kind.CREDENTIAL, credentials);
        add(all, Kind.PASSPHRASE_FILE, passphraseFiles);
        add(all, Kind.PASSPHRASE_FD, passphraseDescriptors);
        add(all, Kind.RECOVERY_KEY_FILE, recoveryKeyFiles);
        add(all, Kind.KEY_SOURCE, keySources);
        if (passphrase) {
            all.add(new KeyConfig(Kind.PASSPHRASE_PROMPT, ""));
        }
        return all;
    }

    private static void add(List<KeyConfig> all, Kind kind, List<String> places) throws CommandException {
        for (String place : places) {
            all.add(key(kind, place));
        }
    }

    /** A key at that place, or a refusal that names the option. */
    static KeyConfig key(Kind kind, String place) throws CommandException {
        try {
            return new KeyConfig(kind, place);
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(ExitCode.USAGE, "--" + kind.word() + ": " + wrong.getMessage() + ".", wrong);
        }
    }
}
