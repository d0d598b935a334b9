package io.blockseal.volume.table;

import io.blockseal.block.HotPath;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How many bytes were enciphered under the present DEK of each range: a number for each, kept apart from the
 * {@link RangeWord}s so that writers do not take those out of the caches of readers. Loops add; when a range passes a
 * multiple of the share, somebody is woken who writes the count down.
 */
@HotPath("every write adds to it")
public final class EncipheredBytes {
    /** What a crash may forget of a range at most, unless a volume is told to write more often. */
    static final long SHARE_BYTES_MAX = 1L << 30;

    /** Requests have a MiB at most: with a share as small as theirs there would be a commit for each write. */
    static final long SHARE_BYTES_MIN = 16L << 20;

    private final AtomicLongArray counts;
    private final NotedRanges grown;
    private volatile int shareShift = Long.numberOfTrailingZeros(SHARE_BYTES_MAX);
    private volatile Runnable wake = () -> {};

    EncipheredBytes(long rangeCount) {
        counts = new AtomicLongArray(Math.toIntExact(rangeCount));
        grown = new NotedRanges(rangeCount, () -> wake.run());
    }

    /** {@code wake} is called from the data path, does not block, and leads to {@link #beginWriting}. */
    public void wakes(Runnable wake) {
        this.wake = wake;
    }

    /**
     * Has counts written down each time they have grown by so much, or by less: the next smaller power of two.
     * {@code bytes} is at least {@link #SHARE_BYTES_MIN}.
     */
    public void share(long bytes) {
        if (bytes < SHARE_BYTES_MIN) {
            throw new IllegalArgumentException("a share is at least " + SHARE_BYTES_MIN + " bytes, not " + bytes
                    + ": each write would be a commit");
        }
        shareShift = Long.numberOfTrailingZeros(Long.highestOneBit(Math.min(bytes, SHARE_BYTES_MAX)));
    }

    /** From any thread that enciphers for a request to the range. */
    public void add(long range, long bytes) {
        long after = counts.addAndGet((int) range, bytes);
        if ((after ^ (after - bytes)) >>> shareShift != 0) {
            grown.note(range);
        }
    }

    /** The range has another DEK, or none: so much was enciphered under that one. Before anybody is told of it. */
    void begin(long range, long bytes) {
        counts.set((int) range, bytes);
    }

    /** What it is now; others may add at any time. */
    public long of(long range) {
        return counts.get((int) range);
    }

    /** Whoever passes a share from now on wakes again. */
    public void beginWriting() {
        grown.beginLooking();
    }

    /** Takes the next range from {@code from} on that has passed a share, or -1. */
    long takeGrownFrom(long from) {
        return grown.takeFrom(from);
    }
}
