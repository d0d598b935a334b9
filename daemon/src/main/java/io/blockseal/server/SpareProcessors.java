package io.blockseal.server;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * How many processors are needed now by loops that have work and by threads that work for them, so that they know whether
 * one is left for more work at the same time, or for waiting actively.
 *
 * <p>A loop that had no work for a while needs none, however many clients it has: most clients are idle most of the time,
 * and would keep the busy ones from a processor that nobody uses.
 */
final class SpareProcessors {
    /** For so long after its last work a loop counts as busy. Clients that matter come back sooner. */
    static final long INTERVAL_NANOS = 10_000_000;

    /** Work is noted that often only: others read the note. */
    private static final long NOTED_EVERY_NANOS = INTERVAL_NANOS / 10;

    private final int processors;
    private final LongSupplier nanoTime;
    private final AtomicInteger taken = new AtomicInteger();
    private volatile Loop[] loops = {};

    /** Of {@code processors}; {@code nanoTime} as {@link System#nanoTime}. */
    SpareProcessors(int processors, LongSupplier nanoTime) {
        this.processors = processors;
        this.nanoTime = nanoTime;
    }

    /** Of this machine. */
    static SpareProcessors ofThisMachine() {
        return new SpareProcessors(Runtime.getRuntime().availableProcessors(), System::nanoTime);
    }

    /** One more loop shares them. */
    synchronized Loop addLoop() {
        Loop loop = new Loop(nanoTime.getAsLong() - INTERVAL_NANOS);
        Loop[] more = Arrays.copyOf(loops, loops.length + 1);
        more[loops.length] = loop;
        loops = more;
        return loop;
    }

    /** One loop's part. On its thread, but for {@link #take}. */
    final class Loop {
        private final AtomicLong worked;

        private Loop(long worked) {
            this.worked = new AtomicLong(worked);
        }

        /** The loop had work until {@code nanos}. */
        void worksUntil(long nanos) {
            if (nanos - worked.getPlain() >= NOTED_EVERY_NANOS) {
                worked.setRelease(nanos);
            }
        }

        /** So many more processors (or less, if negative) are needed by threads that work for loops. From any thread. */
        void take(int count) {
            taken.addAndGet(count);
        }

        /** Whether one is left beside this loop's own. */
        boolean oneIsLeft() {
            return oneIsLeft(nanoTime.getAsLong());
        }

        /** Likewise, at {@code now}. */
        boolean oneIsLeft(long now) {
            int needed = 1 + taken.get();
            for (Loop each : loops) {
                if (each != this && now - each.worked.getAcquire() < INTERVAL_NANOS) {
                    needed++;
                }
            }
            return needed < processors;
        }
    }
}
