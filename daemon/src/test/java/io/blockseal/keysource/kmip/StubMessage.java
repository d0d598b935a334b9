package io.blockseal.keysource.kmip;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The stub's own reading and writing of messages, after chapter 9 of the specification and not after our codec: what both
 * ends misunderstood alike would not be noticed.
 *
 * @param tag three bytes
 * @param type 1 to 10
 * @param value as it stands there, of a structure too
 * @param items of a structure
 */
record StubMessage(int tag, int type, byte[] value, List<StubMessage> items) {
    static final int STRUCTURE = 1;
    static final int INTEGER = 2;
    static final int ENUMERATION = 5;
    static final int TEXT = 7;
    static final int BYTES = 8;
    static final int DATE_TIME = 9;

    static StubMessage parse(ByteBuffer from) {
        int tag = (from.get() & 0xff) << 16 | (from.get() & 0xff) << 8 | from.get() & 0xff;
        int type = from.get();
        byte[] value = new byte[from.getInt()];
        from.get(value);
        from.position(from.position() + (8 - value.length % 8) % 8);
        List<StubMessage> items = new ArrayList<>();
        if (type == STRUCTURE) {
            ByteBuffer inside = ByteBuffer.wrap(value);
            while (inside.hasRemaining()) {
                items.add(parse(inside));
            }
        }
        return new StubMessage(tag, type, value, items);
    }

    static byte[] item(int tag, int type, byte[] value) {
        ByteBuffer to = ByteBuffer.allocate(8 + value.length + (8 - value.length % 8) % 8);
        to.putInt(tag << 8 | type).putInt(value.length).put(value);
        return to.array();
    }

    static byte[] structure(int tag, byte[]... items) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] each : items) {
            all.writeBytes(each);
        }
        return item(tag, STRUCTURE, all.toByteArray());
    }

    static byte[] integer(int tag, int value) {
        return item(tag, INTEGER, ByteBuffer.allocate(4).putInt(value).array());
    }

    static byte[] enumeration(int tag, int value) {
        return item(tag, ENUMERATION, ByteBuffer.allocate(4).putInt(value).array());
    }

    static byte[] text(int tag, String value) {
        return item(tag, TEXT, value.getBytes(StandardCharsets.UTF_8));
    }

    static byte[] date(int tag, long seconds) {
        return item(tag, DATE_TIME, ByteBuffer.allocate(8).putLong(seconds).array());
    }

    /** The item at that path of tags; null if there is none. */
    StubMessage at(int... path) {
        StubMessage at = this;
        for (int tag : path) {
            StubMessage next = null;
            for (StubMessage each : at.items) {
                if (each.tag == tag && next == null) {
                    next = each;
                }
            }
            if (next == null) {
                return null;
            }
            at = next;
        }
        return at;
    }

    /** All items of a tag. */
    List<StubMessage> all(int tag) {
        return items.stream().filter(each -> each.tag == tag).toList();
    }

    int number() {
        return ByteBuffer.wrap(value).getInt();
    }

    String text() {
        return new String(value, StandardCharsets.UTF_8);
    }
}
