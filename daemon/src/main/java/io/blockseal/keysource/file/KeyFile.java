package io.blockseal.keysource.file;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;

/**
 * Makes key files and reads them. Bytes go between the file and the engine's memory through a direct buffer that is wiped
 * at once; no copy reaches the heap.
 */
public final class KeyFile {
    private KeyFile() {}

    /**
     * Makes a new file with a random key, for its owner alone, and returns once it would survive a power cut: a volume
     * must not depend on a key that is still on its way to the disk.
     *
     * @throws KeySourceException if there is a file already, or it cannot be written; nothing is left behind then
     */
    public static void create(Path path, CryptoEngine engine) throws KeySourceException {
        ByteBuffer raw = ByteBuffer.allocateDirect(KeyText.RAW_BYTES);
        ByteBuffer text = ByteBuffer.allocateDirect(KeyText.HEX_DIGITS + 1);
        try (Secret secret = Secret.random(engine.keys(), KeyText.RAW_BYTES)) {
            engine.keys().copyOut(secret.key(), SecretAccess.WRITE_KEY_FILE, raw);
            KeyText.encode(raw.flip(), text);
            write(path, text.flip());
        } finally {
            wipe(raw);
            wipe(text);
        }
    }

    private static void write(Path path, ByteBuffer text) throws KeySourceException {
        if (Files.notExists(PrivateFile.folderOf(path))) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    "key file " + path + " cannot be written: the folder " + path.getParent() + " is not there");
        }
        boolean made = false;
        boolean durable = false;
        try (FileChannel file = FileChannel.open(
                path,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            made = true;
            while (text.hasRemaining()) {
                file.write(text);
            }
            file.force(true);
            try (FileChannel folder = FileChannel.open(PrivateFile.folderOf(path), StandardOpenOption.READ)) {
                folder.force(true);
            }
            durable = true;
        } catch (FileAlreadyExistsException e) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, "key file " + path + " exists already; it is never overwritten", e);
        } catch (IOException | UnsupportedOperationException e) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, "key file " + path + " cannot be written: " + e.getMessage(), e);
        } finally {
            if (made && !durable) {
                deleteQuietly(path);
            }
        }
    }

    private static void deleteQuietly(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // The failure that brought us here is the one to report; half a key file opens nothing.
            return;
        }
    }

    /** The key in that file, which the caller closes; checked first, for who else might have read or written it. */
    static Secret read(Path path, CryptoEngine engine) throws KeySourceException {
        return readUnchecked(PrivateFile.realPathOf(path), "key file " + path, engine);
    }

    /** Likewise of a file, pipe or descriptor that somebody else vouches for. */
    static Secret readUnchecked(Path path, String name, CryptoEngine engine) throws KeySourceException {
        ByteBuffer text = ByteBuffer.allocateDirect(KeyText.READ_BYTES_MAX);
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
            // A pipe may deliver in pieces.
            while (text.hasRemaining() && file.read(text) >= 0) {}
            String wrong = KeyText.decode(text.flip());
            if (wrong != null) {
                throw new KeySourceException(Kind.MISCONFIGURED, name + " " + wrong);
            }
            Secret secret = Secret.empty(engine.keys());
            engine.keys().put(secret.key(), text);
            return secret;
        } catch (IOException e) {
            throw new KeySourceException(Kind.UNREACHABLE, FileTrouble.unreadable(name, e), e);
        } finally {
            wipe(text);
        }
    }

    /**
     * The file of a credential. A unit is given all of its own before it starts, and none later.
     *
     * @throws KeySourceException if it is not among them
     */
    public static Path credential(Path folder, String name) throws KeySourceException {
        Path path = folder.resolve(name);
        if (!Files.exists(path)) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    "credential " + name + " is not in " + folder + ", which $CREDENTIALS_DIRECTORY names. systemd puts"
                            + " there what the unit has as LoadCredential=" + name
                            + ":PATH or LoadCredentialEncrypted=" + name + ":PATH");
        }
        return path;
    }

    /**
     * A key file as it stands, for {@link FileKeySource#ofText} in another process; the caller wipes it.
     *
     * @param path a key file that is its owner's alone, or what {@code vouchedFor} by somebody else
     */
    public static byte[] text(Path path, boolean vouchedFor) throws KeySourceException {
        ByteBuffer text = ByteBuffer.allocateDirect(KeyText.READ_BYTES_MAX);
        try (FileChannel file =
                FileChannel.open(vouchedFor ? path : PrivateFile.realPathOf(path), StandardOpenOption.READ)) {
            while (text.hasRemaining() && file.read(text) >= 0) {}
            byte[] bytes = new byte[text.flip().remaining()];
            text.get(bytes);
            return bytes;
        } catch (IOException e) {
            throw new KeySourceException(Kind.UNREACHABLE, FileTrouble.unreadable("key file " + path, e), e);
        } finally {
            wipe(text);
        }
    }

    /** The key of a file that somebody has read; the text is wiped. */
    static Secret ofText(byte[] given, String name, CryptoEngine engine) throws KeySourceException {
        ByteBuffer text = ByteBuffer.allocateDirect(KeyText.READ_BYTES_MAX);
        try {
            text.put(given, 0, Math.min(given.length, KeyText.READ_BYTES_MAX));
            String wrong = KeyText.decode(text.flip());
            if (wrong != null) {
                throw new KeySourceException(Kind.MISCONFIGURED, name + " " + wrong);
            }
            Secret secret = Secret.empty(engine.keys());
            engine.keys().put(secret.key(), text);
            return secret;
        } finally {
            Arrays.fill(given, (byte) 0);
            wipe(text);
        }
    }

    private static void wipe(ByteBuffer bytes) {
        for (int i = 0; i < bytes.capacity(); i++) {
            bytes.limit(bytes.capacity()).put(i, (byte) 0);
        }
    }
}
