package io.blockseal.store.file;

import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import java.util.concurrent.RejectedExecutionException;
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
 * <p>Only so many lanes of a store have a thread at a time: if their calls hang, flushes and reads that miss the cache
 * still have the others.
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

    /**
     * Takes a call, which after its end reports {@link #arrived} on the loop; false, and nothing taken, if other lanes of
     * the store have all the threads that there are for this.
     */
    boolean execute(Runnable call) {
        offer(call);
        return wake();
    }

    /** The first half of {@link #execute}: a thread that is about to leave may take the call from now on. */
    void offer(Runnable call) {
        ring.set(put, call);
    }

    /** The second half: has a thread come if none is there. */
    boolean wake() {
        if (!running.get() && running.compareAndSet(false, true) && !startUnlessTaken()) {
            ring.set(put, null);
            running.set(false);
            return false;
        }
        put = (put + 1) % CAPACITY;
        if (waiting == 0) {
            receiptsBefore = loop.receipts();
        }
        waiting++;
        return true;
    }

    /** With {@link #running} ours, so that nobody takes anything meanwhile. */
    private boolean startUnlessTaken() {
        if (ring.get(put) == null) {
            // A thread that was about to leave has seen the call, made it and left, all between our two looks at it:
            // there is nothing to start for, and what has been made must not be made again.
            running.set(false);
            return true;
        }
        return start();
    }

    private boolean start() {
        // With calls waiting, this one follows on a thread that has just let go and is about to leave; they must not
        // be left behind.
        if (waiting > 0) {
            pool.enterSide();
        } else if (!pool.tryEnterSide()) {
            return false;
        }
        // From now on, not from when a thread is free: others must not count on the same processor.
        loop.usesProcessor(1);
        try {
            pool.execute(this);
        } catch (RejectedExecutionException e) {
            leave();
            throw e;
        }
        return true;
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
        boolean ended = false;
        try {
            ended = work();
        } finally {
            if (ended) {
                leave();
            } else {
                queueAgain();
            }
        }
    }

    private void leave() {
        loop.usesProcessor(-1);
        pool.leaveSide();
    }

    /** Behind the others; also after a defect, which ends this thread but not the calls behind. */
    private void queueAgain() {
        try {
            pool.execute(this);
        } catch (RejectedExecutionException e) {
            // The store is closing and waits for this thread; nobody else is to come.
            run();
        }
    }

    /** Makes some calls; whether there are no more. */
    private boolean work() {
        int made = 0;
        int next;
        do {
            Runnable call = ring.get(taken);
            while (call != null) {
                if (made == CALLS_AT_A_TIME) {
                    return false;
                }
                made++;
                ring.set(taken, null);
                taken = (taken + 1) % CAPACITY;
                call.run();
                call = ring.get(taken);
            }
            next = taken;
            running.set(false);
            // What was put in between saw this thread still running, and woke nobody.
        } while (ring.get(next) != null && running.compareAndSet(false, true));
        return true;
    }
}
