package io.blockseal.volume.table;

import java.util.Arrays;

/**
 * The middle one of many unsigned 32-bit numbers. Found by counting, first by their upper halves and then, of those that have
 * the right one, by their lower: two passes, where sorting a hundred thousand takes ten times as long.
 */
public final class UnsignedMedian {
    private static final int HALVES = 1 << 16;

    private final int[] values;
    private int count;

    /** Of so many at most. */
    UnsignedMedian(int countMax) {
        values = new int[countMax];
    }

    /** One more. */
    void add(int value) {
        values[count] = value;
        count++;
    }

    /** The one that half of them do not exceed, the lower one if two are in the middle; 0 if there is none. */
    long value() {
        if (count == 0) {
            return 0;
        }
        int rank = (count - 1) / 2;
        int[] counts = new int[HALVES];
        for (int i = 0; i < count; i++) {
            counts[values[i] >>> 16]++;
        }
        int upper = 0;
        while (rank >= counts[upper]) {
            rank -= counts[upper];
            upper++;
        }
        Arrays.fill(counts, 0);
        for (int i = 0; i < count; i++) {
            if (values[i] >>> 16 == upper) {
                counts[values[i] & 0xffff]++;
            }
        }
        int lower = 0;
        while (rank >= counts[lower]) {
            rank -= counts[lower];
            lower++;
        }
        return (long) upper << 16 | lower;
    }
}
