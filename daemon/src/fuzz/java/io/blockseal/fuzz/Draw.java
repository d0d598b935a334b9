package io.blockseal.fuzz;

import java.util.Arrays;

/** Reads numbers and byte strings off an input, front to back; behind its end everything is zero. */
public final class Draw {
    private final byte[] input;
    private int at;

    public Draw(byte[] input) {
        this.input = input;
    }

    /** Whether something is left. */
    public boolean hasMore() {
        return at < input.length;
    }

    /** 0 to 255. */
    public int u8() {
        return at < input.length ? input[at++] & 0xff : 0;
    }

    /** 0 to 65535, low byte first. */
    public int u16() {
        return u8() | u8() << 8;
    }

    /** All 32 bits, low byte first. */
    public int i32() {
        return u16() | u16() << 16;
    }

    /** All 64 bits, low byte first. */
    public long i64() {
        return (i32() & 0xffff_ffffL) | (long) i32() << 32;
    }

    /** The next bytes, as many as are there, at most {@code length}. */
    public byte[] bytes(int length) {
        int end = Math.min(input.length, at + length);
        byte[] taken = Arrays.copyOfRange(input, at, end);
        at = end;
        return taken;
    }

    /** All that is left. */
    public byte[] rest() {
        return bytes(input.length);
    }
}
