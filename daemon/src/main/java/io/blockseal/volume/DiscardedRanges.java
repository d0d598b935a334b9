package io.blockseal.volume;

import io.blockseal.block.HotPath;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Of which ranges guests have discarded something since somebody looked: a bit for each. Loops set them, one other thread
 * takes them. Whoever sets the first one wakes that thread.
 */
@HotPath("noted by every TRIM and WRITE_ZEROES")
final class DiscardedRanges {
    private final AtomicLongArray bits;
    private final AtomicBoolean awake = new AtomicBoolean();
    private final Runnable wake;

    /** {@code wake} is called on a loop, does not block, and leads to {@link #beginLooking}. */
    DiscardedRanges(long rangeCount, Runnable wake) {
        this.bits = new AtomicLongArray((int) ((rangeCount + 63) >> 6));
        this.wake = wake;
    }

    /** Something in the range was discarded. From any thread. */
    void note(long range) {
        set(range);
        if (!awake.get() && awake.compareAndSet(false, true)) {
            wake.run();
        }
    }

    /** As {@link #note}, of what was taken and is to be looked at another time; wakes nobody. */
    void set(long range) {
        int at = (int) (range >> 6);
        long bit = 1L << range;
        long old = bits.get(at);
        while ((old & bit) == 0 && !bits.compareAndSet(at, old, old | bit)) {
            old = bits.get(at);
        }
    }

    /** Whoever notes something from now on wakes again. */
    void beginLooking() {
        awake.set(false);
    }

    /** Takes the next range from {@code from} on, or -1. */
    long takeFrom(long from) {
        for (int at = (int) (from >> 6); at < bits.length(); at++) {
            long old = bits.get(at);
            long candidates = at == from >> 6 ? old & (-1L << from) : old;
            while (candidates != 0) {
                long bit = Long.lowestOneBit(candidates);
                if (bits.compareAndSet(at, old, old & ~bit)) {
                    return ((long) at << 6) + Long.numberOfTrailingZeros(bit);
                }
                old = bits.get(at);
                candidates = at == from >> 6 ? old & (-1L << from) : old;
            }
        }
        return -1;
    }
}
