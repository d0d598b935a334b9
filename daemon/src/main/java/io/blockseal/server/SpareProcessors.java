package io.blockseal.server;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many processors are needed by loops that have clients and by threads that work for them, so that they know whether
 * one is left for more work at the same time, or for waiting actively. From any thread.
 */
final class SpareProcessors {
    private final int processors = Runtime.getRuntime().availableProcessors();
    private final AtomicInteger taken = new AtomicInteger();

    /** So many more (or less, if negative) are needed from now on. */
    void take(int count) {
        taken.addAndGet(count);
    }

    /** Whether one is left. */
    boolean any() {
        return taken.get() < processors;
    }
}
