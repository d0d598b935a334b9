package io.blockseal.metrics;

import java.util.concurrent.atomic.AtomicLongArray;

/** How many connections were refused at the door. From any thread. */
public final class RefusalFigures {
    private final AtomicLongArray counts = new AtomicLongArray(ConnectionRefusal.values().length);

    /** One more. */
    public void count(ConnectionRefusal reason) {
        counts.incrementAndGet(reason.ordinal());
    }

    /** How often that was the reason. */
    public long countOf(ConnectionRefusal reason) {
        return counts.get(reason.ordinal());
    }
}
