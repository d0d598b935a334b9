package io.blockseal.store.file;

import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Large calls that a loop could make itself, made by a pool thread beside it, so that copying from and to the page cache
 * runs while the loop deciphers, sends and receives. One channel's; calls are made one after the other.
 *
 * <p>Handing over costs two wake-ups if nothing else is going on, so it is done only while it pays: when the last calls
 * came back, the loop had other work. Every so many calls one is handed over to find out.
 *
 * <p>After some calls it goes to the end of the pool's queue, for a stream of them must not keep the store's flushes from
 * a thread.
 *
 * <p>The queue is a ring with one writer, the loop, and one reader, whichever pool thread runs {@link #run}.
 */
@HotPath("every large READ and WRITE of a file in memory")
final class SideLane implements Runnable {
    private static final int CAPACITY = 64;
    private static final int TRIED_EVERY = 16;
    private static final int CREDIT_MAX = 16;
    /** How many calls are made before others have their turn. */
    private static final int CALLS_AT_A_TIME = 16;

    private final IoLoop loop;
    private final LanePool pool;
    private final AtomicReferenceArray<Runnable> ring = new AtomicReferenceArray<>(CAPACITY);
    private final AtomicBoolean running = new AtomicBoolean();
    // The loop's.
    private int put;
    private int waiting;
    private int credit;
    private int untried;
    private long receiptsBefore;
    // The reader's; handed from one to the next by `running`.
    private int taken;

    SideLane(IoLoop loop, LanePool pool) {
        this.loop = loop;
        this.pool = pool;
    }

    /** Whether the next large call should be made here. On the loop's thread, as all but {@link #run}. */
    boolean pays() {
        if (waiting > 0) {
            return waiting < CAPACITY;
        }
        if (!running.get() && !loop.hasSpareProcessor()) {
            return false;
        }
        if (credit > 0) {
            return true;
        }
        untried++;
        if (untried < TRIED_EVERY) {
            return false;
        }
        untried = 0;
        return true;
    }

    /** Takes a call, which after its end reports {@link #arrived} on the loop. */
    void execute(Runnable call) {
        if (waiting == 0) {
            receiptsBefore = loop.receipts();
        }
        waiting++;
        ring.set(put, call);
        put = (put + 1) % CAPACITY;
        if (!running.get() && running.compareAndSet(false, true)) {
            // From now on: a lane that waits for a thread needs a processor as well.
            loop.usesProcessor(1);
            pool.execute(this);
        }
    }

    /** A call is back on the loop. */
    void arrived() {
        waiting--;
        long receipts = loop.receipts();
        if (waiting > 0 || receipts != receiptsBefore) {
            credit = CREDIT_MAX;
        } else if (credit > 0) {
            credit--;
        }
        receiptsBefore = receipts;
    }

    @Override
    public void run() {
        boolean made = false;
        boolean more = true;
        try {
            more = makesCalls();
            made = true;
        } finally {
            // A defect ends this thread, but not the calls behind.
            if (more || !made) {
                pool.execute(this);
            }
        }
    }

    /** Whether this is to be run again. */
    private boolean makesCalls() {
        int made = 0;
        while (true) {
            Runnable call = ring.get(taken);
            if (call == null) {
                int next = taken;
                loop.usesProcessor(-1);
                running.set(false);
                // What was put in between saw this thread still running, and woke nobody.
                if (ring.get(next) == null || !running.compareAndSet(false, true)) {
                    return false;
                }
                loop.usesProcessor(1);
                continue;
            }
            if (made == CALLS_AT_A_TIME) {
                return true;
            }
            made++;
            ring.set(taken, null);
            taken = (taken + 1) % CAPACITY;
            call.run();
        }
    }
}
