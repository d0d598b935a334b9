package io.blockseal.keysource.json;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;

/**
 * A JSON object that is being written, as bytes which {@link #close} wipes: a key may stand in it, and a String could not
 * be wiped. On one thread.
 */
public final class KeyDocument implements AutoCloseable {
    private byte[] bytes = new byte[512];
    private int length;

    /** An empty object. */
    public KeyDocument() {
        append((byte) '{');
    }

    /** Adds a text. */
    public KeyDocument text(String name, String value) {
        name(name);
        quoted(value);
        return this;
    }

    /** Adds bytes that are no secret, in Base64. */
    public KeyDocument bytes(String name, byte[] value, Base64.Encoder alphabet) {
        return text(name, alphabet.encodeToString(value));
    }

    /** Adds a number. */
    public KeyDocument number(String name, long value) {
        name(name);
        append(Long.toString(value).getBytes(StandardCharsets.US_ASCII));
        return this;
    }

    /** Adds an object of which all values are texts, given as NAME, VALUE, NAME, VALUE. */
    public KeyDocument texts(String name, String... pairs) {
        name(name);
        append((byte) '{');
        for (int i = 0; i < pairs.length; i += 2) {
            if (i > 0) {
                append((byte) ',');
            }
            quoted(pairs[i]);
            append((byte) ':');
            quoted(pairs[i + 1]);
        }
        append((byte) '}');
        return this;
    }

    /** Adds a key, in Base64. */
    public KeyDocument key(String name, CryptoEngine engine, Secret key, Base64.Encoder alphabet) {
        name(name);
        byte[] raw = raw(engine, key);
        byte[] text = alphabet.encode(raw);
        Arrays.fill(raw, (byte) 0);
        append((byte) '"');
        append(text);
        append((byte) '"');
        Arrays.fill(text, (byte) 0);
        return this;
    }

    /** A volume key on its way to its key source; the caller wipes the bytes. */
    public static byte[] raw(CryptoEngine engine, Secret key) {
        KeyArena arena = engine.keys();
        ByteBuffer copy = ByteBuffer.allocateDirect(KeyArena.KEY_BYTES_MAX);
        arena.copyOut(key.key(), SecretAccess.WRAP_AT_SOURCE, copy);
        byte[] raw = new byte[copy.flip().remaining()];
        copy.get(raw);
        for (int i = 0; i < raw.length; i++) {
            copy.put(i, (byte) 0);
        }
        return raw;
    }

    /** The whole object; a copy, which the caller wipes if there is a key in it. */
    public byte[] toBytes() {
        byte[] whole = Arrays.copyOf(bytes, length + 1);
        whole[length] = '}';
        return whole;
    }

    private void name(String name) {
        if (length > 1) {
            append((byte) ',');
        }
        quoted(name);
        append((byte) ':');
    }

    private void quoted(String text) {
        append((byte) '"');
        append(JsonStringEncoder.getInstance().quoteAsUTF8(text));
        append((byte) '"');
    }

    private void append(byte[] more) {
        for (byte b : more) {
            append(b);
        }
    }

    private void append(byte b) {
        if (length == bytes.length) {
            byte[] larger = Arrays.copyOf(bytes, 2 * length);
            Arrays.fill(bytes, (byte) 0);
            bytes = larger;
        }
        bytes[length++] = b;
    }

    @Override
    public void close() {
        Arrays.fill(bytes, (byte) 0);
    }
}
