package io.blockseal.keysource.kmip;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One item of a message that somebody else wrote: tag, type, length, value (TTLV; KMIP 1.4, 9.1). The whole message is
 * checked when it is read: every length stays inside the structure that it stands in, types are known and values have the
 * length of their type, what fills up to eight bytes is zero, nothing follows, structures are nested and items counted
 * within bounds. What is asked of an item afterwards can therefore fail only because it is of another type. Values stay
 * where they are, in the message, which the caller wipes. On one thread.
 */
final class TtlvItem {
    /** Tag, type, length. */
    static final int HEADER_BYTES = 8;
    /** Values are filled up with zeros to a multiple of this. */
    static final int ALIGNMENT = 8;
    /** No answer to our questions is longer. */
    static final int MESSAGE_BYTES_MAX = 64 << 10;

    private static final int DEPTH_MAX = 16;
    private static final int ITEMS_MAX = 2048;

    private final byte[] message;
    private final int tag;
    private final ItemType type;
    private final int offset;
    private final int lengthBytes;
    private final List<TtlvItem> children;

    private TtlvItem(byte[] message, int tag, ItemType type, int offset, int lengthBytes, List<TtlvItem> children) {
        this.message = message;
        this.tag = tag;
        this.type = type;
        this.offset = offset;
        this.lengthBytes = lengthBytes;
        this.children = children;
    }

    /**
     * Reads a message that is one item and nothing else.
     *
     * @throws IOException if it is not
     */
    static TtlvItem read(byte[] message) throws IOException {
        if (message.length > MESSAGE_BYTES_MAX) {
            throw new IOException("a message of " + message.length + " bytes");
        }
        Reader reader = new Reader(message);
        TtlvItem item = reader.item(message.length, 0);
        if (reader.position != message.length) {
            throw new IOException("bytes after the end of the message");
        }
        return item;
    }

    /** How long a message is in all, from its first eight bytes; negative if it is no message of ours. */
    static int messageBytes(byte[] header, Tag expected) {
        ByteBuffer at = ByteBuffer.wrap(header);
        int first = at.getInt();
        long value = Integer.toUnsignedLong(at.getInt());
        boolean right = first == (expected.code() << 8 | ItemType.STRUCTURE.code()) && value % ALIGNMENT == 0;
        return right && value <= MESSAGE_BYTES_MAX - HEADER_BYTES ? (int) value + HEADER_BYTES : -1;
    }

    /** Goes through a message once, from the front. */
    private static final class Reader {
        final byte[] message;
        final ByteBuffer bytes;
        int position;
        int count;

        Reader(byte[] message) {
            this.message = message;
            this.bytes = ByteBuffer.wrap(message);
        }

        TtlvItem item(int end, int depth) throws IOException {
            if (++count > ITEMS_MAX || depth > DEPTH_MAX) {
                throw new IOException("more items, or deeper ones, than any answer has");
            }
            if (end - position < HEADER_BYTES) {
                throw new IOException("an item is cut off at byte " + position);
            }
            int tag = bytes.getInt(position) >>> 8;
            ItemType type = ItemType.of(message[position + 3] & 0xff);
            long length = Integer.toUnsignedLong(bytes.getInt(position + 4));
            int start = position + HEADER_BYTES;
            if (type == null) {
                throw new IOException("an unknown type at byte " + position);
            }
            // Not one addition before this is known to be small.
            if (length > end - start || !type.mayHave((int) length)) {
                throw new IOException("a wrong length at byte " + position);
            }
            int filled = start + (int) (length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            if (filled > end) {
                throw new IOException("an item is cut off at byte " + position);
            }
            for (int i = start + (int) length; i < filled; i++) {
                if (message[i] != 0) {
                    throw new IOException("what fills up an item is not zero at byte " + i);
                }
            }
            if (type == ItemType.BOOLEAN && bytes.getLong(start) >>> 1 != 0) {
                throw new IOException("neither true nor false at byte " + start);
            }
            position = start;
            List<TtlvItem> children = new ArrayList<>(0);
            while (type == ItemType.STRUCTURE && position < filled) {
                children.add(item(filled, depth + 1));
            }
            position = filled;
            return new TtlvItem(message, tag, type, start, (int) length, children);
        }
    }

    /** The number of its tag. */
    int tag() {
        return tag;
    }

    /** How its value is written. */
    ItemType type() {
        return type;
    }

    /** How long its value is, without what fills it up. */
    int lengthBytes() {
        return lengthBytes;
    }

    /** The items in a structure; none in anything else. */
    List<TtlvItem> children() {
        return children;
    }

    /** Those of one tag. */
    List<TtlvItem> all(Tag wanted) {
        return children.stream().filter(each -> each.tag == wanted.code()).toList();
    }

    /** The first one of a tag, or null. */
    @Nullable
    TtlvItem find(Tag wanted) {
        for (TtlvItem each : children) {
            if (each.tag == wanted.code()) {
                return each;
            }
        }
        return null;
    }

    /**
     * Likewise, of one that must be there.
     *
     * @throws IOException if it is not
     */
    TtlvItem require(Tag wanted) throws IOException {
        TtlvItem found = find(wanted);
        if (found == null) {
            throw new IOException("there is no " + wanted);
        }
        return found;
    }

    /** The first text of a tag; empty if there is none, or if it is no text. */
    String textOrEmpty(Tag wanted) {
        TtlvItem found = find(wanted);
        return found == null || found.type != ItemType.TEXT_STRING ? "" : found.asText();
    }

    /** The first date of a tag, in seconds since 1970; negative if there is none, or if it is no date. */
    long secondsOrNegative(Tag wanted) {
        TtlvItem found = find(wanted);
        return found == null || found.type != ItemType.DATE_TIME ? -1 : found.asLong();
    }

    /** The number of an integer, an interval or an enumeration. */
    int number() throws IOException {
        if (type != ItemType.INTEGER && type != ItemType.ENUMERATION && type != ItemType.INTERVAL) {
            throw unlike("a number");
        }
        return ByteBuffer.wrap(message).getInt(offset);
    }

    /** The number of a long integer, or the seconds of a date. */
    long longNumber() throws IOException {
        if (type != ItemType.LONG_INTEGER && type != ItemType.DATE_TIME) {
            throw unlike("a long number or a date");
        }
        return asLong();
    }

    private long asLong() {
        return ByteBuffer.wrap(message).getLong(offset);
    }

    /** Whether it says true. */
    boolean isTrue() throws IOException {
        if (type != ItemType.BOOLEAN) {
            throw unlike("true or false");
        }
        return ByteBuffer.wrap(message).getLong(offset) == 1;
    }

    /** A text; what is no UTF-8 in it is replaced. */
    String text() throws IOException {
        if (type != ItemType.TEXT_STRING) {
            throw unlike("a text");
        }
        return asText();
    }

    private String asText() {
        return new String(message, offset, lengthBytes, StandardCharsets.UTF_8);
    }

    /** A copy of bytes, of a big integer or a byte string. */
    byte[] bytes() throws IOException {
        if (type != ItemType.BYTE_STRING && type != ItemType.BIG_INTEGER) {
            throw unlike("bytes");
        }
        byte[] copy = new byte[lengthBytes];
        ByteBuffer.wrap(message).get(offset, copy);
        return copy;
    }

    /**
     * Takes a byte string into the arena, straight from the message. The caller closes the secret.
     *
     * @throws IOException if it has another length
     */
    Secret secret(CryptoEngine engine, int expectedBytes) throws IOException {
        if (type != ItemType.BYTE_STRING) {
            throw unlike("bytes");
        }
        if (lengthBytes != expectedBytes) {
            throw new IOException(name() + " has " + lengthBytes + " bytes instead of " + expectedBytes);
        }
        Secret secret = Secret.empty(engine.keys());
        engine.keys().put(secret.key(), ByteBuffer.wrap(message, offset, lengthBytes));
        return secret;
    }

    private IOException unlike(String what) {
        return new IOException(name() + " is not " + what);
    }

    /** Of its tag, in words where we have some. */
    private String name() {
        for (Tag each : Tag.values()) {
            if (each.code() == tag) {
                return each.toString();
            }
        }
        return Integer.toHexString(tag);
    }
}
