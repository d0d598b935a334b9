package io.blockseal.metrics;

import java.util.concurrent.atomic.AtomicLongArray;

/** How many connections were refused at the door, and how many were ended by a limit later. From any thread. */
public final class RefusalFigures {
    private final AtomicLongArray refusals = new AtomicLongArray(ConnectionRefusal.values().length);
    private final AtomicLongArray cutOffs = new AtomicLongArray(CutOff.values().length);

    /** One more at the door. */
    public void count(ConnectionRefusal reason) {
        refusals.incrementAndGet(reason.ordinal());
    }

    /** One more that had been let in. */
    public void count(CutOff limit) {
        cutOffs.incrementAndGet(limit.ordinal());
    }

    /** How often that was the reason. */
    public long countOf(ConnectionRefusal reason) {
        return refusals.get(reason.ordinal());
    }

    /** How often that was the limit. */
    public long countOf(CutOff limit) {
        return cutOffs.get(limit.ordinal());
    }
}
