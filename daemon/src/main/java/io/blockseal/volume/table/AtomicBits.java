package io.blockseal.volume.table;

import io.blockseal.block.HotPath;
import java.util.concurrent.atomic.AtomicLongArray;

/** A fixed number of bits that threads set and take without a lock. */
@HotPath("set by requests that change ranges somebody looks at")
public final class AtomicBits {
    private final AtomicLongArray words;

    /** So many bits, none set. */
    public AtomicBits(long count) {
        words = new AtomicLongArray((int) ((count + 63) >> 6));
    }

    /** Sets a bit. Any thread. */
    public void set(long index) {
        int at = (int) (index >> 6);
        long bit = 1L << index;
        long old = words.get(at);
        while ((old & bit) == 0 && !words.compareAndSet(at, old, old | bit)) {
            old = words.get(at);
        }
    }

    /** Clears a bit; whether it was set. */
    public boolean take(long index) {
        int at = (int) (index >> 6);
        long bit = 1L << index;
        long old = words.get(at);
        while ((old & bit) != 0 && !words.compareAndSet(at, old, old & ~bit)) {
            old = words.get(at);
        }
        return (old & bit) != 0;
    }

    /** Clears the first bit that is set from {@code from} on: its index, or -1 if there is none. */
    long takeFrom(long from) {
        for (long index = next(from); index >= 0; index = next(index + 1)) {
            if (take(index)) {
                return index;
            }
        }
        return -1;
    }

    private long next(long from) {
        for (int at = (int) (from >> 6); at < words.length(); at++) {
            long candidates = words.get(at) & (at == from >> 6 ? -1L << from : -1L);
            if (candidates != 0) {
                return ((long) at << 6) + Long.numberOfTrailingZeros(candidates);
            }
        }
        return -1;
    }

    /** How many are set; others may change that at any time. */
    public int count() {
        int count = 0;
        for (int at = 0; at < words.length(); at++) {
            count += Long.bitCount(words.get(at));
        }
        return count;
    }
}
