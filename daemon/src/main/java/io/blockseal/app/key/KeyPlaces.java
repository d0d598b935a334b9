package io.blockseal.app.key;

import io.blockseal.app.console.Terminal;
import io.blockseal.app.setup.Surroundings;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.KeyConfig.Kind;
import io.blockseal.control.Arguments;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceRegistry;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SecretInput;
import io.blockseal.keysource.file.FileKeySource;
import io.blockseal.keysource.file.KeyFile;
import io.blockseal.keysource.passphrase.PassphraseKeySource;
import io.blockseal.keysource.passphrase.PassphrasePolicy;
import io.blockseal.keysource.recovery.RecoveryKeySource;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * From what an operator wrote to key sources. Several volumes may name one place: it is read, or asked for, once, since a
 * pipe gives its key but once and nobody likes to type twice. Closing wipes what the sources hold, but for those that
 * somebody holds longer.
 */
public final class KeyPlaces implements AutoCloseable {
    private final CryptoEngine engine;
    private final Map<KeyConfig, KeySource> opened = new HashMap<>();
    private final List<KeySource> all = new ArrayList<>();
    private final IdentityHashMap<KeySource, Integer> holders = new IdentityHashMap<>();
    private boolean closed;

    /** Keys go into {@code engine}. */
    public KeyPlaces(CryptoEngine engine) {
        this.engine = engine;
    }

    /** The source for that place; nothing is read before it is used. */
    public synchronized KeySource open(KeyConfig key, String prompt) throws KeySourceException {
        KeySource known = opened.get(key);
        if (known != null) {
            return known;
        }
        KeySource source = KeySourceRegistry.open(spec(key), context(key, prompt));
        opened.put(key, source);
        all.add(source);
        return source;
    }

    /** A key for a new slot: what is there already, or a key file that is made now. */
    public NewKey makeOrOpen(KeyConfig key, String prompt, boolean allowWeak) throws KeySourceException {
        return switch (key.kind()) {
            case KEY_FILE -> keyFile(key);
            case PASSPHRASE_FILE, PASSPHRASE_FD, PASSPHRASE_PROMPT -> {
                PassphrasePolicy policy =
                        allowWeak ? PassphrasePolicy.DEFAULT.allowingWeak() : PassphrasePolicy.DEFAULT;
                SecretInput input = key.kind() == Kind.PASSPHRASE_PROMPT ? () -> askTwice(prompt) : input(key, prompt);
                PassphraseKeySource source = new PassphraseKeySource(engine, input, policy);
                all.add(source);
                yield new NewKey(source, "passphrase (Argon2id)", null);
            }
            case KEY_SOURCE -> {
                // A passphrase among its parts is a new one: who types it wrong would never know.
                KeySource source =
                        KeySourceRegistry.open(spec(key), Surroundings.keySources(engine, () -> askTwice(prompt)));
                all.add(source);
                yield new NewKey(source, "key source " + source.reference(), null);
            }
            default -> new NewKey(open(key, prompt), "key from " + key.kind().word() + " " + key.place(), null);
        };
    }

    /** The key at that place, as the arguments of a daemon that cannot go there itself; the caller closes them. */
    public Arguments toSend(KeyConfig key, String prompt) throws KeySourceException {
        return switch (key.kind()) {
            case KEY_FILE ->
                file(FileKeySource.referenceTo(Path.of(key.place())), KeyFile.text(Path.of(key.place()), false));
            case KEY_FD -> file("fd:" + key.place(), KeyFile.text(Path.of("/proc/self/fd/" + key.place()), true));
            case CREDENTIAL -> {
                Path folder = Surroundings.credentialsDirectory();
                if (folder == null) {
                    throw new KeySourceException(
                            KeySourceException.Kind.MISCONFIGURED,
                            "credential " + key.place()
                                    + " needs CREDENTIALS_DIRECTORY, which systemd sets for a unit with LoadCredential="
                                    + key.place() + ":PATH");
                }
                yield file("credential:" + key.place(), KeyFile.text(KeyFile.credential(folder, key.place()), true));
            }
            case PASSPHRASE_FILE, PASSPHRASE_FD, PASSPHRASE_PROMPT ->
                new Arguments()
                        .text("kind", "passphrase")
                        .secret(input(key, prompt).read());
            case RECOVERY_KEY_FILE ->
                new Arguments()
                        .text("kind", "recovery")
                        .secret(input(key, prompt).read());
            case KEY_SOURCE -> new Arguments().text("kind", "source").text("uri", key.place());
        };
    }

    private static Arguments file(String reference, byte[] text) {
        return new Arguments().text("kind", "file").text("reference", reference).secret(text);
    }

    /** Likewise a new one, which was made already; a passphrase is asked for twice. */
    public Arguments newToSend(@Nullable KeyConfig key, NewKey made, String prompt, boolean allowWeak)
            throws KeySourceException {
        Arguments sent;
        if (key == null) {
            sent = new Arguments().text("kind", "recovery").secret(shown(made));
        } else if (key.kind() == Kind.PASSPHRASE_PROMPT) {
            sent = new Arguments().text("kind", "passphrase").secret(askTwice(prompt));
        } else {
            sent = toSend(key, prompt);
        }
        return sent.text("description", made.description()).flag("allowWeak", allowWeak);
    }

    private static byte[] shown(NewKey made) throws KeySourceException {
        if (!(made.source() instanceof RecoveryKeySource recovery)) {
            throw new IllegalStateException("not a recovery key");
        }
        char[] text = recovery.show();
        byte[] bytes = new byte[text.length];
        for (int i = 0; i < text.length; i++) {
            bytes[i] = (byte) text[i];
        }
        Arrays.fill(text, '\0');
        return bytes;
    }

    private NewKey keyFile(KeyConfig key) throws KeySourceException {
        Path path = Path.of(key.place());
        // A link that leads nowhere is somebody's mistake, not a place for a new key.
        boolean missing = !Files.exists(path, LinkOption.NOFOLLOW_LINKS);
        if (missing) {
            KeyFile.create(path, engine);
        }
        String description = "key file " + path + (missing ? " (made now, mode 0600)" : " (was there already)");
        return new NewKey(open(key, ""), description, missing ? path : null);
    }

    /** A fresh recovery key, which its caller must show. */
    public NewKey makeRecoveryKey() {
        RecoveryKeySource source = RecoveryKeySource.generate(engine);
        all.add(source);
        return new NewKey(source, "recovery key, opens only when asked for by --recovery-key-file", null);
    }

    private KeySourceContext context(KeyConfig key, String prompt) {
        return Surroundings.keySources(engine, input(key, prompt));
    }

    private static SecretInput input(KeyConfig key, String prompt) {
        return switch (key.kind()) {
            case PASSPHRASE_FILE -> FirstLine.ofSecretFile(Path.of(key.place()), "passphrase file");
            case RECOVERY_KEY_FILE -> FirstLine.ofSecretFile(Path.of(key.place()), "recovery key file");
            case PASSPHRASE_FD -> FirstLine.ofDescriptor(Integer.parseInt(key.place()));
            default -> () -> ask(prompt);
        };
    }

    private static KeySourceSpec spec(KeyConfig key) throws KeySourceException {
        return switch (key.kind()) {
            case KEY_FILE -> new KeySourceSpec("file", key.place());
            case KEY_FD -> new KeySourceSpec("fd", key.place());
            case CREDENTIAL -> new KeySourceSpec("credential", key.place());
            case PASSPHRASE_FILE, PASSPHRASE_FD, PASSPHRASE_PROMPT -> new KeySourceSpec("passphrase", "");
            case RECOVERY_KEY_FILE -> new KeySourceSpec("recovery", "");
            case KEY_SOURCE -> KeySourceSpec.parse(key.place());
        };
    }

    private static byte[] ask(String prompt) throws KeySourceException {
        byte[] typed = Terminal.canAsk() ? Terminal.askPassphrase(prompt) : null;
        if (typed == null) {
            throw new KeySourceException(
                    KeySourceException.Kind.UNREACHABLE,
                    "there is no terminal to ask for a passphrase; use --passphrase-file or --passphrase-fd, or, within"
                            + " all-of, passphrase:/FILE");
        }
        return typed;
    }

    private static byte[] askTwice(String prompt) throws KeySourceException {
        byte[] first = ask(prompt);
        byte[] second = ask("Again");
        try {
            if (!Arrays.equals(first, second)) {
                Arrays.fill(first, (byte) 0);
                throw new KeySourceException(
                        KeySourceException.Kind.MISCONFIGURED, "the two passphrases differ; nothing was changed");
            }
            return first;
        } finally {
            Arrays.fill(second, (byte) 0);
        }
    }

    /** Keeps open, beyond {@link #close}, a source that was opened here, until {@link #letGo} was called as often. */
    public synchronized void hold(KeySource source) {
        holders.merge(source, 1, Integer::sum);
    }

    /** Nobody asks that source any more who has held it. */
    public void letGo(KeySource source) {
        boolean over;
        synchronized (this) {
            Integer left = holders.computeIfPresent(source, (each, count) -> count == 1 ? null : count - 1);
            over = closed && left == null;
        }
        // Some close a connection, or call a module, and may take their time.
        if (over) {
            source.close();
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        all.stream().filter(source -> !holders.containsKey(source)).forEach(KeySource::close);
    }
}
