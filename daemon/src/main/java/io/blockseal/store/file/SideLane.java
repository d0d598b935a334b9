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
 * <p>The queue is a ring with one writer, the loop, and one reader, whichever pool thread runs {@link #run}.
 */
@HotPath("every large READ and WRITE of a file in memory")
final class SideLane implements Runnable {
    private static final int CAPACITY = 64;
    private static final int TRIED_EVERY = 16;
    private static final int CREDIT_MAX = 16;

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
        boolean over = false;
        loop.usesProcessor(1);
        try {
            int next;
            do {
                makeCalls();
                next = taken;
                running.set(false);
                // What was put in between saw this thread still running, and woke nobody.
            } while (ring.get(next) != null && running.compareAndSet(false, true));
            over = true;
        } finally {
            loop.usesProcessor(-1);
            if (!over) {
                // A defect ends this thread, but not the calls behind.
                pool.execute(this);
            }
        }
    }

    private void makeCalls() {
        Runnable call = ring.get(taken);
        while (call != null) {
            ring.set(taken, null);
            taken = (taken + 1) % CAPACITY;
            call.run();
            call = ring.get(taken);
        }
    }
}
