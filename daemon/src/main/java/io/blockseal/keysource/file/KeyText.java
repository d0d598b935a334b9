package io.blockseal.keysource.file;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The two forms of a key file: 32 raw bytes, or 64 hexadecimal digits with or without a line feed. */
final class KeyText {
    static final int RAW_BYTES = 32;
    static final int HEX_DIGITS = 2 * RAW_BYTES;
    /** One more than any right size, so that a longer file is noticed. */
    static final int READ_BYTES_MAX = HEX_DIGITS + 2;

    private static final String DIGITS = "0123456789abcdef";

    private KeyText() {}

    /**
     * Turns the remaining bytes of {@code text} into 32 raw ones at the beginning of the same buffer, and flips it.
     *
     * @return what is wrong and what to do, in words; null if nothing is
     */
    static @Nullable String decode(ByteBuffer text) {
        int length = text.remaining();
        boolean lineFeed = length > 0 && text.get(length - 1) == '\n';
        if (length == HEX_DIGITS || (length == HEX_DIGITS + 1 && lineFeed)) {
            if (!isHex(text, HEX_DIGITS)) {
                return "holds 64 bytes that are not all hexadecimal digits";
            }
            for (int i = 0; i < RAW_BYTES; i++) {
                text.put(i, (byte) (digit(text.get(2 * i)) << 4 | digit(text.get(2 * i + 1))));
            }
            text.limit(RAW_BYTES);
            return allEqual(text) ? "holds 32 equal bytes, which is no random key" : null;
        }
        if (length == RAW_BYTES) {
            if (isHex(text, RAW_BYTES)) {
                return "holds 32 hexadecimal digits, which is half a key; a key is 64 digits or 32 raw bytes";
            }
            return allEqual(text) ? "holds 32 equal bytes, which is no random key" : null;
        }
        if (length == RAW_BYTES + 1 && lineFeed) {
            return "holds 32 bytes and a line feed, which an editor or echo may have added; cut it off"
                    + " (truncate -s 32 FILE)";
        }
        if (length == HEX_DIGITS + 2 && lineFeed && text.get(length - 2) == '\r') {
            return "ends its line as Windows does; write it again with a line feed alone, or none";
        }
        return (length == 0 ? "is empty" : length > HEX_DIGITS + 1 ? "is longer" : "holds " + length + " bytes")
                + "; a key file is 32 raw bytes, or 64 hexadecimal digits and at most one line feed";
    }

    /** Writes 64 digits and a line feed for the 32 remaining bytes of {@code raw}. */
    static void encode(ByteBuffer raw, ByteBuffer text) {
        while (raw.hasRemaining()) {
            int value = raw.get() & 0xff;
            text.put((byte) DIGITS.charAt(value >>> 4)).put((byte) DIGITS.charAt(value & 15));
        }
        text.put((byte) '\n');
    }

    private static boolean isHex(ByteBuffer text, int count) {
        boolean hex = true;
        for (int i = 0; i < count; i++) {
            hex &= digit(text.get(i)) >= 0;
        }
        return hex;
    }

    private static boolean allEqual(ByteBuffer bytes) {
        int difference = 0;
        for (int i = 0; i < RAW_BYTES; i++) {
            difference |= bytes.get(i) ^ bytes.get(0);
        }
        return difference == 0;
    }

    private static int digit(byte character) {
        return Character.digit(character, 16);
    }
}
