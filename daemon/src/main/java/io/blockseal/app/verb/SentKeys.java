package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.key.EndableKeySource;
import io.blockseal.app.key.NewKey;
import io.blockseal.app.setup.Surroundings;
import io.blockseal.config.KeyConfig;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceRegistry;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.file.FileKeySource;
import io.blockseal.keysource.passphrase.PassphraseKeySource;
import io.blockseal.keysource.passphrase.PassphrasePolicy;
import io.blockseal.keysource.recovery.RecoveryKeySource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Keys that came through the control socket, in the groups {@code key} and {@code newKey}: their bytes as {@code secret},
 * or the {@code path} of a key file for the daemon to read, or the {@code uri} of a key source that it is to ask itself.
 */
public final class SentKeys implements CallKeys, AutoCloseable {
    /** One that opens the volume. */
    public static final String KEY = "key";
    /** A new one. */
    public static final String NEW_KEY = "newKey";

    /** As many as a volume has key slots. */
    public static final int KEYS_MAX = 16;

    /** Which key sources the caller may have the daemon ask, by their URIs. */
    @FunctionalInterface
    public interface MayAsk {
        /** Whether this one. */
        boolean source(String uri);
    }

    private final Arguments arguments;
    private final CryptoEngine engine;
    private final MayAsk mayAsk;
    private final List<KeySource> opened = new ArrayList<>();
    private final List<EndableKeySource> asked = new ArrayList<>();
    private boolean askingEnded;

    /** Those among {@code arguments}, which are closed with this; keys go into {@code engine}. */
    public SentKeys(Arguments arguments, CryptoEngine engine) {
        this(arguments, engine, unused -> false);
    }

    /**
     * Likewise, and key sources that the caller {@code mayAsk}. Who names a source chooses a program or a module that runs
     * as the daemon, or a server to which the daemon shows what stands in files of its own.
     */
    public SentKeys(Arguments arguments, CryptoEngine engine, MayAsk mayAsk) {
        this.arguments = arguments;
        this.engine = engine;
        this.mayAsk = mayAsk;
    }

    @Override
    public KeySource opening() throws CommandException {
        return source(KEY, "a key that opens the volume is needed: the group 'key', with --key-file or another option");
    }

    @Override
    public List<KeySource> everyOpening() throws CommandException {
        List<KeySource> every = new ArrayList<>();
        every.add(opening());
        for (int number = 2; number <= KEYS_MAX; number++) {
            try {
                if (arguments.group(another(number)) != null) {
                    every.add(source(another(number), "")); // It is there.
                }
            } catch (ArgumentException wrong) {
                throw usage(wrong);
            }
        }
        return every;
    }

    /** What the second key that opens the volume is called among the arguments, and each after it. */
    public static String another(int number) {
        return KEY + number;
    }

    @Override
    public boolean hasNew() {
        try {
            return arguments.group(NEW_KEY) != null;
        } catch (ArgumentException notAGroup) {
            return true; // It is refused when it is asked for.
        }
    }

    @Override
    public NewKey made() throws CommandException {
        KeySource source = source(NEW_KEY, "no new key is named: the group 'newKey' is missing");
        try {
            Arguments group = arguments.group(NEW_KEY);
            String description = group == null ? null : group.text("description");
            return new NewKey(source, description == null ? source.kind() + " key" : description, null);
        } catch (ArgumentException wrong) {
            throw usage(wrong);
        }
    }

    private KeySource source(String name, String missing) throws CommandException {
        try {
            Arguments group = arguments.group(name);
            if (group == null) {
                throw new CommandException(ExitCode.USAGE, missing + ".");
            }
            KeySource source = source(name, group);
            opened.add(source);
            return source;
        } catch (ArgumentException wrong) {
            throw usage(wrong);
        }
    }

    private KeySource source(String name, Arguments group) throws ArgumentException {
        String kind = group.requireText("kind");
        PassphrasePolicy policy =
                group.flag("allowWeak") ? PassphrasePolicy.DEFAULT.allowingWeak() : PassphrasePolicy.DEFAULT;
        String path = group.text("path");
        String reference = group.text("reference");
        group.text("description");
        if (kind.equals("source")) {
            return remote(name, group.requireText("uri"));
        }
        if (path != null && kind.equals("file")) {
            return FileKeySource.ofFile(Path.of(path), engine);
        }
        byte[] secret = group.takeSecret();
        if (path != null || secret == null) {
            throw new ArgumentException("'" + name + "' needs 'secret', or for a key of the kind 'file' its 'path'");
        }
        if (kind.equals("file") && reference != null && !reference.matches("(file|fd|credential):.{0,240}")) {
            throw new ArgumentException("'" + name + ".reference' does not say where a key file lies: file:/PATH");
        }
        return switch (kind) {
            case "file" -> FileKeySource.ofText(reference == null ? "file:" : reference, secret, engine);
            case "passphrase" -> new PassphraseKeySource(engine, () -> secret, policy);
            case "recovery" -> RecoveryKeySource.typed(engine, () -> secret);
            default ->
                throw new ArgumentException("'" + name + ".kind' is none of file, passphrase, recovery and source");
        };
    }

    private KeySource remote(String name, String uri) throws ArgumentException {
        try {
            String place = new KeyConfig(KeyConfig.Kind.KEY_SOURCE, uri).place();
            KeySourceSpec spec = KeySourceSpec.parse(place);
            if (!mayAsk.source(place)) {
                throw new ArgumentException("'" + name
                        + ".uri': only root and the daemon's own user may name a key source that is not in its"
                        + " configuration: it would run programs and open files as the daemon");
            }
            KeySource source = KeySourceRegistry.open(spec, Surroundings.keySources(engine, SentKeys::untyped));
            opened.add(source);
            return endable(source);
        } catch (IllegalArgumentException | KeySourceException wrong) {
            throw new ArgumentException("'" + name + ".uri': " + wrong.getMessage());
        }
    }

    private synchronized KeySource endable(KeySource source) {
        EndableKeySource endable = new EndableKeySource(source);
        if (askingEnded) {
            endable.end();
        }
        asked.add(endable);
        return endable;
    }

    /** Whoever waits for one of them is called back, and none is asked any more. From any thread. */
    public synchronized void endAsking() {
        askingEnded = true;
        asked.forEach(EndableKeySource::end);
    }

    private static byte[] untyped() throws KeySourceException {
        throw new KeySourceException(
                KeySourceException.Kind.MISCONFIGURED,
                "a daemon cannot ask for the passphrase of an all-of key source; name its file: passphrase:/FILE");
    }

    private static CommandException usage(ArgumentException wrong) {
        return new CommandException(ExitCode.USAGE, wrong.getMessage() + ".", wrong);
    }

    /** Wipes them. */
    @Override
    public void close() {
        opened.forEach(KeySource::close);
        arguments.close();
    }
}
