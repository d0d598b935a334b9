package io.blockseal.store.file;

import java.time.Duration;
import java.util.BitSet;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * One store's threads for calls that wait for a disk. Each store has its own, so that one that stalls delays nobody
 * else; they start when first needed and end when idle.
 */
final class LanePool {
    private static final int THREADS = 4;
    /** The others are there for flushes, and for reads that wait for a disk. */
    private static final int SIDE_LANES_MAX = THREADS - 2;

    private static final long IDLE_SECONDS = 60;

    /** One of the threads, with the number by which the guard knows it. */
    private static final class Lane extends Thread {
        private final int index;

        Lane(Runnable work, String name, int index) {
            super(work, name);
            this.index = index;
        }
    }

    private final StallGuard guard;
    private final BitSet taken = new BitSet();
    private final AtomicInteger sideLanes = new AtomicInteger();
    private final ThreadPoolExecutor threads;

    LanePool(String storeName) {
        this(storeName, System::nanoTime);
    }

    /** With a clock of its own. */
    LanePool(String storeName, LongSupplier nanoTime) {
        // A thread that ends and the one that replaces it may be there at the same time.
        guard = new StallGuard(2 * THREADS, nanoTime);
        threads = new ThreadPoolExecutor(
                THREADS,
                THREADS,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                work -> lane(work, storeName));
        threads.allowCoreThreadTimeOut(true);
    }

    private Thread lane(Runnable work, String storeName) {
        int index = takeIndex();
        Thread thread = new Lane(() -> runAndGiveBack(work, index), "lane-" + storeName, index);
        thread.setDaemon(true);
        return thread;
    }

    private void runAndGiveBack(Runnable work, int index) {
        try {
            work.run();
        } finally {
            synchronized (taken) {
                taken.clear(index);
            }
        }
    }

    private int takeIndex() {
        synchronized (taken) {
            int index = taken.nextClearBit(0) % (2 * THREADS);
            taken.set(index);
            return index;
        }
    }

    /** Whether this store answers in time. */
    StallGuard guard() {
        return guard;
    }

    /** Runs the call on a pool thread, which tells {@link #begins} and {@link #ends}. */
    void execute(Runnable call) {
        threads.execute(call);
    }

    /** One more side lane wants threads, until {@link #leaveSide}; false if there are enough. */
    boolean tryEnterSide() {
        if (sideLanes.incrementAndGet() <= SIDE_LANES_MAX) {
            return true;
        }
        sideLanes.decrementAndGet();
        return false;
    }

    /** Likewise, whether there are enough or not, for one that is about to leave and goes on. */
    void enterSide() {
        sideLanes.incrementAndGet();
    }

    /** A side lane has nothing more to do. */
    void leaveSide() {
        sideLanes.decrementAndGet();
    }

    /** On a pool thread: a call to the storage begins. */
    void begins() {
        if (Thread.currentThread() instanceof Lane lane) {
            guard.poolCallBegins(lane.index);
        }
    }

    /** On a pool thread: it is back. */
    void ends() {
        if (Thread.currentThread() instanceof Lane lane) {
            guard.poolCallEnds(lane.index);
        }
    }

    /**
     * Takes no more calls and waits for those that it has. An interruption is kept for the caller, and does not shorten
     * the wait.
     *
     * @return whether all of them ended in time; if not, their descriptor must stay open
     */
    boolean drain(Duration patience) {
        threads.shutdown();
        return Uninterrupted.await(nanos -> threads.awaitTermination(nanos, TimeUnit.NANOSECONDS), patience);
    }
}
