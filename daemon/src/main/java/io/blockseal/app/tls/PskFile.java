package io.blockseal.app.tls;

import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.PrivateFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The file with the keys that clients have as well, as psktool writes it and qemu, nbdkit and libnbd read it: a line for
 * each, {@code NAME:KEY}, the key in hexadecimal; a name that begins with {@code #} is in hexadecimal, too, behind it.
 * What is wrong is told by the number of the line, and never by what stands there: what stands where a name belongs may be
 * a key.
 */
final class PskFile {
    private static final int FILE_BYTES_MAX = 1 << 20;
    private static final int KEYS_MAX = 1024;
    private static final int NAME_BYTES_MAX = 128;
    /** With less, somebody who has seen a handshake could try them all. */
    private static final int KEY_BYTES_MIN = 16;

    private PskFile() {}

    /** The keys by name, which the caller closes. */
    static Map<String, Secret> read(Path path, KeyArena arena) throws KeySourceException, GeneralSecurityException {
        Path real = PrivateFile.realPathOf(path, "PSK file");
        // Outside the heap, which may move an array and leave a copy, and a stream's buffer nobody wipes.
        ByteBuffer text = ByteBuffer.allocateDirect(FILE_BYTES_MAX + 1);
        Map<String, Secret> keys = new LinkedHashMap<>();
        boolean whole = false;
        try (FileChannel file = FileChannel.open(real, StandardOpenOption.READ)) {
            while (text.hasRemaining() && file.read(text) >= 0) {}
            if (!text.hasRemaining()) {
                throw new GeneralSecurityException("PSK file " + path + " is larger than 1 MiB");
            }
            int length = text.position();
            int line = 0;
            for (int at = 0; at < length; ) {
                int end = find((byte) '\n', text, at, length);
                line++;
                String wrong = take(text, at, end, keys, arena);
                if (wrong != null) {
                    throw new GeneralSecurityException("PSK file " + path + ", line " + line + ": " + wrong);
                }
                at = end + 1;
            }
            if (keys.isEmpty()) {
                throw new GeneralSecurityException(
                        "PSK file " + path + " has no key in it: psktool -u NAME -p " + path + " adds one");
            }
            whole = true;
            return keys;
        } catch (IOException unreadable) {
            throw new GeneralSecurityException(FileTrouble.unreadable("PSK file " + path, unreadable), unreadable);
        } finally {
            wipe(text, text.position());
            if (!whole) {
                keys.values().forEach(Secret::close);
            }
        }
    }

    private static void wipe(ByteBuffer bytes, int length) {
        for (int i = 0; i < length; i++) {
            bytes.put(i, (byte) 0);
        }
    }

    /** Where it is, or {@code to}. */
    private static int find(byte what, ByteBuffer text, int from, int to) {
        int at = from;
        while (at < to && text.get(at) != what) {
            at++;
        }
        return at;
    }

    /** One line; what is wrong with it, or null. */
    private static @Nullable String take(ByteBuffer text, int from, int to, Map<String, Secret> keys, KeyArena arena) {
        int end = to > from && text.get(to - 1) == '\r' ? to - 1 : to;
        if (end == from) {
            return null;
        }
        int colon = find((byte) ':', text, from, end);
        if (colon == end) {
            return "there is no colon between a name and its key";
        }
        String name = name(text, from, colon);
        if (name == null) {
            return "the name is not UTF-8 of 1 to " + NAME_BYTES_MAX + " bytes, or not hexadecimal behind #";
        }
        int digits = end - colon - 1;
        if (digits % 2 != 0 || digits / 2 < KEY_BYTES_MIN || digits / 2 > KeyArena.KEY_BYTES_MAX) {
            return "the key has " + digits + " digits; it takes " + 2 * KEY_BYTES_MIN + " to "
                    + 2 * KeyArena.KEY_BYTES_MAX + ", in pairs";
        }
        if (keys.containsKey(name)) {
            return "there is a key of the same name before";
        }
        if (keys.size() == KEYS_MAX) {
            return "there are more than " + KEYS_MAX + " keys";
        }
        ByteBuffer raw = ByteBuffer.allocateDirect(digits / 2);
        try {
            if (!hex(text, colon + 1, end, raw)) {
                return "the key is not hexadecimal";
            }
            raw.flip();
            int half = KeyArena.KEY_BYTES_MAX / 2;
            if (raw.remaining() == 2 * half && raw.slice(0, half).equals(raw.slice(half, half))) {
                return "the key has two equal halves; make a random one";
            }
            Secret secret = Secret.empty(arena);
            keys.put(name, secret);
            arena.put(secret.key(), raw);
            return null;
        } finally {
            wipe(raw, raw.capacity());
        }
    }

    private static @Nullable String name(ByteBuffer text, int from, int to) {
        ByteBuffer bytes = text.slice(from, to - from);
        if (to > from && text.get(from) == '#') {
            bytes = ByteBuffer.allocate((to - from) / 2);
            if ((to - from) % 2 == 0 || !hex(text, from + 1, to, bytes)) {
                return null;
            }
            bytes.flip();
        }
        if (!bytes.hasRemaining() || bytes.remaining() > NAME_BYTES_MAX) {
            return null;
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
        } catch (CharacterCodingException malformed) {
            return null;
        }
    }

    private static boolean hex(ByteBuffer text, int from, int to, ByteBuffer into) {
        for (int i = from; i < to; i += 2) {
            int high = Character.digit(text.get(i), 16);
            int low = Character.digit(text.get(i + 1), 16);
            if (high < 0 || low < 0) {
                return false;
            }
            into.put((byte) (high << 4 | low));
        }
        return true;
    }
}
