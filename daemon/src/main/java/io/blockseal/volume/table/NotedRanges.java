package io.blockseal.volume.table;

import io.blockseal.block.HotPath;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Ranges that loops note for somebody else to look at, since they were discarded or much was enciphered in them: a bit for
 * each. Loops set them, one other thread takes them. Whoever sets the first one wakes that thread.
 */
@HotPath("noted by every TRIM and WRITE_ZEROES")
public final class NotedRanges {
    private final AtomicBits bits;
    private final AtomicBoolean awake = new AtomicBoolean();
    private final Runnable wake;

    /** {@code wake} is called on a loop, does not block, and leads to {@link #beginLooking}. */
    public NotedRanges(long rangeCount, Runnable wake) {
        this.bits = new AtomicBits(rangeCount);
        this.wake = wake;
    }

    /** The range is to be looked at. From any thread. */
    public void note(long range) {
        set(range);
        if (!awake.get() && awake.compareAndSet(false, true)) {
            wake.run();
        }
    }

    /** As {@link #note}, of what was taken and is to be looked at another time; wakes nobody. */
    public void set(long range) {
        bits.set(range);
    }

    /** Whoever notes something from now on wakes again. */
    public void beginLooking() {
        awake.set(false);
    }

    /** Takes the next range from {@code from} on, or -1. */
    public long takeFrom(long from) {
        return bits.takeFrom(from);
    }
}
