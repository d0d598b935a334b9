package io.blockseal.keysource.kmip;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Writes a message, item by item: tag, type, length, value, zeros up to a multiple of eight bytes (TTLV; KMIP 1.4, 9.1).
 * Holds keys and passwords on their way out: closing it wipes them. On one thread.
 */
final class TtlvWriter implements AutoCloseable {
    private static final int START_BYTES = 512;

    private byte[] bytes = new byte[START_BYTES];
    private int length;

    /** Items inside a structure. */
    TtlvWriter structure(Tag tag, Consumer<TtlvWriter> content) {
        int start = header(tag, ItemType.STRUCTURE, 0);
        content.accept(this);
        ByteBuffer.wrap(bytes).putInt(start - Integer.BYTES, length - start);
        return this;
    }

    /** A signed number of 32 bits. */
    TtlvWriter integer(Tag tag, int value) {
        return number(tag, ItemType.INTEGER, value);
    }

    /** One of a list of numbers. */
    TtlvWriter enumeration(Tag tag, int value) {
        return number(tag, ItemType.ENUMERATION, value);
    }

    private TtlvWriter number(Tag tag, ItemType type, int value) {
        int start = header(tag, type, Integer.BYTES);
        ByteBuffer.wrap(bytes).putInt(start, value);
        return this;
    }

    /** A text. */
    TtlvWriter text(Tag tag, String value) {
        return value(tag, ItemType.TEXT_STRING, value.getBytes(StandardCharsets.UTF_8));
    }

    /** A text that is a secret, as bytes of UTF-8; they stay the caller's. */
    TtlvWriter text(Tag tag, byte[] value) {
        return value(tag, ItemType.TEXT_STRING, value);
    }

    /** Bytes. */
    TtlvWriter bytes(Tag tag, byte[] value) {
        return value(tag, ItemType.BYTE_STRING, value);
    }

    private TtlvWriter value(Tag tag, ItemType type, byte[] value) {
        int start = header(tag, type, value.length);
        System.arraycopy(value, 0, bytes, start, value.length);
        return this;
    }

    /** The bytes of a secret. */
    TtlvWriter secret(Tag tag, CryptoEngine engine, Secret secret) {
        int secretBytes = engine.keys().length(secret.key());
        int start = header(tag, ItemType.BYTE_STRING, secretBytes);
        engine.keys().copyOut(secret.key(), SecretAccess.WRAP_AT_SOURCE, ByteBuffer.wrap(bytes, start, secretBytes));
        return this;
    }

    /** What another one has written. */
    TtlvWriter append(TtlvWriter other) {
        int start = room(other.length);
        System.arraycopy(other.bytes, 0, bytes, start, other.length);
        return this;
    }

    /** Begins an item and makes room for its value, which is zero yet; where that is. */
    private int header(Tag tag, ItemType type, int valueBytes) {
        int filled = (valueBytes + TtlvItem.ALIGNMENT - 1) / TtlvItem.ALIGNMENT * TtlvItem.ALIGNMENT;
        int start = room(TtlvItem.HEADER_BYTES + filled);
        ByteBuffer.wrap(bytes).putInt(start, tag.code() << 8 | type.code()).putInt(start + Integer.BYTES, valueBytes);
        return start + TtlvItem.HEADER_BYTES;
    }

    /** Makes room for so many bytes; where they begin. */
    private int room(int more) {
        int start = length;
        if (more > bytes.length - start) {
            byte[] small = bytes;
            bytes = Arrays.copyOf(small, Math.max(start + more, 2 * small.length));
            Arrays.fill(small, (byte) 0);
        }
        length = start + more;
        return start;
    }

    /** A copy of what was written, which the caller wipes if it holds a secret. */
    byte[] toBytes() {
        return Arrays.copyOf(bytes, length);
    }

    /** Wipes what was written. */
    @Override
    public void close() {
        Arrays.fill(bytes, (byte) 0);
        length = 0;
    }
}
