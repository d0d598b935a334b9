package io.blockseal.keysource.file;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.HkdfKek;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A key file, read when it is first needed and then kept in the engine until {@link #close()}. From any thread.
 */
public final class FileKeySource implements KeySource {
    private static final int REFERENCE_BYTES_MAX = 256;

    /** Reads the key that a reference names. */
    private interface Reader {
        Secret read() throws KeySourceException;
    }

    private final String reference;
    private final Reader reader;
    private final HkdfKek keks;
    /** The key file, or null if somebody else handed the key over. */
    private final @Nullable Path path;

    private @Nullable Secret secret;

    private FileKeySource(String reference, CryptoEngine engine, @Nullable Path path, Reader reader) {
        this.path = path;
        this.reference = reference;
        this.reader = reader;
        this.keks = new HkdfKek(engine, HkdfKek.LABEL_FILE);
    }

    /** A key file that is its owner's alone. */
    public static FileKeySource ofFile(Path path, CryptoEngine engine) {
        return new FileKeySource(referenceTo(path), engine, path, () -> KeyFile.read(path, engine));
    }

    /**
     * A key that somebody has read already, as it stands in its file.
     *
     * @param reference where it lies, as {@link #reference} says it
     * @param text is ours, and wiped once it is read
     */
    public static FileKeySource ofText(String reference, byte[] text, CryptoEngine engine) {
        return new FileKeySource(reference, engine, null, () -> KeyFile.ofText(text, reference, engine));
    }

    /** A slot has 256 bytes for it; a path that is longer shrinks to its last name, for it only tells people. */
    public static String referenceTo(Path path) {
        String whole = "file:" + path.toAbsolutePath().normalize();
        if (whole.getBytes(StandardCharsets.UTF_8).length <= REFERENCE_BYTES_MAX) {
            return whole;
        }
        String last = "file:" + path.getFileName();
        return last.getBytes(StandardCharsets.UTF_8).length <= REFERENCE_BYTES_MAX ? last : "file:";
    }

    /** What is open as descriptor {@code number}; whoever opened it answers for its permissions. */
    public static FileKeySource ofDescriptor(int number, CryptoEngine engine) {
        String reference = "fd:" + number;
        Path path = Path.of("/proc/self/fd/" + number);
        return new FileKeySource(
                reference, engine, null, () -> KeyFile.readUnchecked(path, "key on descriptor " + number, engine));
    }

    /** A systemd credential; systemd answers for its permissions. */
    public static FileKeySource ofCredential(Path credentialsDirectory, String name, CryptoEngine engine) {
        String reference = "credential:" + name;
        return new FileKeySource(
                reference,
                engine,
                null,
                () -> KeyFile.readUnchecked(
                        KeyFile.credential(credentialsDirectory, name), "credential " + name, engine));
    }

    @Override
    public String kind() {
        return "file";
    }

    @Override
    public String reference() {
        return reference;
    }

    /** Any slot of a key file, wherever the file lay when the slot was made: files move. */
    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.algorithm() == WrapAlgorithm.HKDF_KWP
                && (wrapped.reference().startsWith("file:")
                        || wrapped.reference().startsWith("fd:")
                        || wrapped.reference().startsWith("credential:"));
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        byte[] blob = keks.wrap(secret(), volumeKey, binding);
        return new WrappedKey(WrapAlgorithm.HKDF_KWP, reference, "", new byte[0], blob);
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        Secret volumeKey = mayOpen(wrapped) ? keks.unwrap(secret(), wrapped.blob(), binding) : null;
        if (volumeKey == null) {
            throw new WrongKeyException("the key in " + reference + " is not the one of this volume (slot made with "
                    + wrapped.reference() + ")");
        }
        return volumeKey;
    }

    @Override
    public @Nullable String whyIndestructible() {
        return path == null
                ? "it was handed over by descriptor or as a credential; destroy the file that it came from"
                : null;
    }

    @Override
    public String destroy() throws KeySourceException {
        Path file = path;
        if (file == null) {
            return KeySource.super.destroy();
        }
        KeyFileDestruction.destroy(file);
        close();
        return "key file " + file.toAbsolutePath().normalize() + " overwritten with random bytes, then removed";
    }

    @Override
    public synchronized void close() {
        Secret held = secret;
        secret = null;
        if (held != null) {
            held.close();
        }
    }

    private synchronized Secret secret() throws KeySourceException {
        Secret held = secret;
        if (held == null) {
            held = reader.read();
            secret = held;
        }
        return held;
    }
}
