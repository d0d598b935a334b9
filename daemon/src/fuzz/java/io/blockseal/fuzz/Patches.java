package io.blockseal.fuzz;

import java.util.Arrays;

/** Changes a sound block here and there, as an input says: offset (2 bytes), length (1 byte, at most 32), new bytes. */
public final class Patches {
    private static final int LENGTH_MAX = 32;

    private Patches() {}

    /** A changed copy of {@code block}; takes all that is left of the input. */
    public static byte[] apply(byte[] block, Draw input) {
        byte[] changed = block.clone();
        while (input.hasMore()) {
            one(changed, input);
        }
        return changed;
    }

    /** One change, in place. */
    public static void one(byte[] block, Draw input) {
        int offset = input.u16() % block.length;
        byte[] bytes = input.bytes(1 + input.u8() % LENGTH_MAX);
        System.arraycopy(bytes, 0, block, offset, Math.min(bytes.length, block.length - offset));
    }

    /** The input of {@link #one} that puts {@code bytes} at {@code offset}. */
    public static byte[] encode(int offset, byte... bytes) {
        byte[] encoded = new byte[3 + bytes.length];
        encoded[0] = (byte) offset;
        encoded[1] = (byte) (offset >>> 8);
        encoded[2] = (byte) (bytes.length - 1);
        System.arraycopy(bytes, 0, encoded, 3, bytes.length);
        return encoded;
    }

    /** One behind the other. */
    public static byte[] join(byte[]... parts) {
        byte[] joined = new byte[0];
        for (byte[] part : parts) {
            int before = joined.length;
            joined = Arrays.copyOf(joined, before + part.length);
            System.arraycopy(part, 0, joined, before, part.length);
        }
        return joined;
    }
}
