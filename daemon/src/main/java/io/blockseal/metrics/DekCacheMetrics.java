package io.blockseal.metrics;

import java.util.concurrent.atomic.LongAdder;

/** What the DEK caches of one volume did, over all loops; loops add without waiting for each other. */
public final class DekCacheMetrics {
    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();
    private final LongAdder evictions = new LongAdder();

    /** A look-up found the DEK unwrapped. */
    public void hit() {
        hits.increment();
    }

    /** A look-up had to unwrap a DEK. */
    public void miss() {
        misses.increment();
    }

    /** A DEK was wiped to make room for another. */
    public void evicted() {
        evictions.increment();
    }

    /** How many look-ups found their DEK. */
    public long hits() {
        return hits.sum();
    }

    /** How many did not. */
    public long misses() {
        return misses.sum();
    }

    /** How many DEKs made room. */
    public long evictions() {
        return evictions.sum();
    }
}
