package io.blockseal.fault;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What the tests write: 512-byte sectors that say which write they are of and where they belong, so that a sector which
 * is found can be told from any other, from zeros and from noise.
 */
final class SectorContent {
    static final int BYTES = 512;
    /** Never written, or zeroed. */
    static final int ZEROS = 0;
    /** Not zeros, and not what any write left there. */
    static final int NOISE = -1;
    /** Noise, and the ciphertext below it is zeros: part of a data unit whose first write was torn. */
    static final int TORN_HOLE = -2;
    /** The read failed. */
    static final int UNREADABLE = -3;

    private SectorContent() {}

    /** {@code count} sectors of write {@code id}, the first of them being {@code sector}. */
    static byte[] of(int id, int sector, int count) {
        ByteBuffer bytes = ByteBuffer.allocate(count * BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            for (int at = 0; at < BYTES; at += Long.BYTES) {
                bytes.putLong(word(id, sector + i, at));
            }
        }
        return bytes.array();
    }

    /** Which write the sector at {@code at} of {@code bytes} is of, or one of the constants. */
    static int read(byte[] bytes, int at, int sector) {
        ByteBuffer words = ByteBuffer.wrap(bytes, at, BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        long first = words.getLong(0);
        int id = (int) (first >>> 32);
        for (int i = 0; i < BYTES; i += Long.BYTES) {
            long expected = first == 0 ? 0 : word(id, sector, i);
            if (words.getLong(i) != expected) {
                return NOISE;
            }
        }
        return first == 0 ? ZEROS : id;
    }

    private static long word(int id, int sector, int at) {
        return ((long) id << 32) | ((sector & 0xff_ffffL) << 8) | (at / Long.BYTES + 1);
    }
}
