package io.blockseal.device;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;

/** What a READ or WRITE pays for being kept apart from changes of parts of units, alone and beside another loop. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class UnitLocksBenchmark {
    private static final long GROUP_BYTES = 64 << 10;

    private final UnitLocks locks = new UnitLocks();

    /** A loop that reads or writes somewhere in a stretch of its own. */
    @State(Scope.Thread)
    public static class Loop implements UnitLocks.Waiter {
        private boolean exclusive;
        private long offset = Thread.currentThread().getId() * (GROUP_BYTES << 4);

        @Override
        public boolean wantsExclusive() {
            return exclusive;
        }

        @Override
        public void granted() {
            throw new IllegalStateException("nobody was queued");
        }
    }

    /** 4 KiB, all units whole. */
    @Benchmark
    public int shared(Loop loop) {
        int stripe = UnitLocks.stripe(loop.offset, UnitLocks.stripeCount(loop.offset, 4096), 0);
        take(stripe, loop, false);
        locks.releaseShared(stripe);
        return stripe;
    }

    /** The same on two loops whose requests lie far from each other. */
    @Benchmark
    @Threads(2)
    public int sharedBesideAnotherLoop(Loop loop) {
        return shared(loop);
    }

    /** 4 KiB of two loops in the same 64 KiB: the stripe's cache line goes back and forth. */
    @Benchmark
    @Threads(2)
    public int sharedWithAnotherLoop(Loop loop) {
        take(1, loop, false);
        locks.releaseShared(1);
        return 1;
    }

    /** A part of a unit. */
    @Benchmark
    public int exclusive(Loop loop) {
        int stripe = UnitLocks.stripe(loop.offset, 1, 0);
        take(stripe, loop, true);
        locks.releaseExclusive(stripe);
        return stripe;
    }

    /** 1 MiB that begins in the middle of a group: 17 stripes. */
    @Benchmark
    public int sharedByALargeRequest(Loop loop) {
        long offset = loop.offset + 4096;
        int count = UnitLocks.stripeCount(offset, 1 << 20);
        for (int i = 0; i < count; i++) {
            take(UnitLocks.stripe(offset, count, i), loop, false);
        }
        for (int i = 0; i < count; i++) {
            locks.releaseShared(UnitLocks.stripe(offset, count, i));
        }
        return count;
    }

    private void take(int stripe, Loop loop, boolean exclusive) {
        loop.exclusive = exclusive;
        if (!locks.acquire(stripe, loop)) {
            throw new IllegalStateException("stripe " + stripe + " was taken");
        }
    }
}
