package io.blockseal.format;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.HexFormat;

/** Compares stretches of a block with bytes written down by hand from docs/format.md, not computed from our constants. */
final class GoldenBytes {
    private final byte[] block;
    private final boolean[] seen;

    GoldenBytes(byte[] block) {
        this.block = block;
        this.seen = new boolean[block.length];
    }

    GoldenBytes at(int offset, String hex) {
        byte[] expected = HexFormat.of().parseHex(hex.replace(" ", ""));
        byte[] found = Arrays.copyOfRange(block, offset, offset + expected.length);
        assertEquals(
                HexFormat.of().formatHex(expected),
                HexFormat.of().formatHex(found),
                () -> "at 0x" + Integer.toHexString(offset));
        Arrays.fill(seen, offset, offset + expected.length, true);
        return this;
    }

    void andZeroElsewhere() {
        for (int i = 0; i < block.length; i++) {
            if (!seen[i]) {
                int offset = i;
                assertEquals(0, block[i], () -> "at 0x" + Integer.toHexString(offset));
            }
        }
    }

    static byte[] counting(int length, int first) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (first + i);
        }
        return bytes;
    }
}
