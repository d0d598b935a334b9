package io.blockseal.export;

import io.blockseal.block.HotPath;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * Who of an export's clients has to be told that the store lost something.
 *
 * <p>A store counts its losses; each connection remembers up to which count its client was told, by an error to a FLUSH.
 * This ledger keeps what connections must know of each other: the debt of those that left before they were told, which
 * the next ones inherit, as Linux shows an unseen write error to who opens the file next; and whether a change was under
 * way while a FLUSH failed, because then that FLUSH has not told of all that was lost.
 *
 * <p>{@link #began} and {@link #ended} are called for every change, on the loop that serves it; {@link #debt} and
 * {@link #leave} once in a connection's life, {@link #settle} after a FLUSH; all others from any thread.
 */
@HotPath("counts every change")
public final class LossLedger {
    /** What {@link #quietMark()} says while a change is under way. */
    public static final long BUSY = -1;

    /** What {@link #debt} says when nobody left one. */
    public static final long NO_DEBT = Long.MAX_VALUE;

    /** Longs between the counters of two loops, so that they do not share a cache line. */
    private static final int STRIDE = 16;

    private static final int ENDED = 1;

    private final LongSupplier losses;
    private final AtomicLongArray changes;
    private final int loopCount;
    /** Up to which loss the least informed of those who left was told. Written under the lock on this. */
    private volatile long debt = NO_DEBT;

    /** For a store that counts {@code losses}, served on {@code loopCount} loops. */
    public LossLedger(LongSupplier losses, int loopCount) {
        this.losses = losses;
        this.loopCount = loopCount;
        this.changes = new AtomicLongArray(loopCount * STRIDE);
    }

    /** For a device that loses nothing, or does not count it. */
    public static LossLedger ofNone(int loopCount) {
        return new LossLedger(() -> 0, loopCount);
    }

    /** How often the store lost something so far. */
    public long losses() {
        return losses.getAsLong();
    }

    /** A change goes to the device. */
    public void began(int loopIndex) {
        add(loopIndex * STRIDE);
    }

    /** A change is back; its answer has not been sent. */
    public void ended(int loopIndex) {
        add(loopIndex * STRIDE + ENDED);
    }

    private void add(int index) {
        // One writer for each counter, so no atomic addition is needed.
        changes.setRelease(index, changes.getPlain(index) + 1);
    }

    /**
     * A number that is the same as before if no change was under way meanwhile, on any connection; {@link #BUSY} if one
     * is under way now.
     */
    public long quietMark() {
        // In this order: a change that ends between the two sums must look as if it were still under way.
        long ended = sum(ENDED);
        long began = sum(0);
        return began == ended ? began : BUSY;
    }

    private long sum(int which) {
        long sum = 0;
        for (int i = 0; i < loopCount; i++) {
            sum += changes.getAcquire(i * STRIDE + which);
        }
        return sum;
    }

    /** Whether a client that is gone changed something that was lost, and nobody was told. */
    public boolean owesALoss() {
        return debt < losses();
    }

    /**
     * Up to which loss those were told who left and to whom a FLUSH is owed, or {@link #NO_DEBT}. Every new connection
     * begins with it until it is settled: a client that comes back with several must hear of the loss on whichever it
     * sends its FLUSH.
     */
    public long debt() {
        return debt;
    }

    /**
     * A FLUSH covered everything, or told of all that was lost: nobody who left is owed anything any more.
     *
     * @param quietMark what {@link #quietMark()} was during all of that FLUSH
     */
    public void settle(long quietMark) {
        if (debt == NO_DEBT) {
            return;
        }
        synchronized (this) {
            // Who changed something since then and has left already is owed the next one.
            if (quietMark() == quietMark) {
                debt = NO_DEBT;
            }
        }
    }

    /** A connection ends whose changes no FLUSH has covered; its client was told up to loss {@code told}. */
    public synchronized void leave(long told) {
        debt = Math.min(debt, told);
    }
}
