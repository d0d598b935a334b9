package io.blockseal.device;

import io.blockseal.block.HotPath;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Keeps a read-modify-write of a block apart from every other change to it, and from every READ of it, on whichever loop
 * those run.
 *
 * <p>A store need not make a read atomic against a write. Of a block that held data that does no harm: each byte a READ
 * finds is old or new. But a block that was never written is zeros on the store; a READ that met half of its first
 * ciphertext would decipher the other half's zeros, and show noise in bytes that nobody writes. So it is where zeroing
 * the last data of a block makes it a hole. A READ that overlaps a WRITE of whole blocks may see that: its client asked
 * for bytes that are being written.
 *
 * <p>A device has a fixed number of stripes; a stretch takes those of the 64 KiB groups that it touches. READs and changes
 * of whole blocks take them shared, a read-modify-write takes its one exclusively. Nobody blocks: who cannot have a stripe is
 * queued, first come first served, and called when it is his. As soon as somebody is queued newcomers queue behind him,
 * so that a stream of shared holders cannot starve an exclusive one.
 *
 * <p>Several stripes are taken in the order of {@link #stripe}, which ascends, each of them once; an exclusive holder never
 * waits for another stripe. What holders submit goes to the layers below, which know no stripes, and they wait for nothing
 * that somebody has who waits for a stripe: a buffer that a layer needs, it leases after its stripes and gives back before
 * the next ones. So there is no circle to wait in. Stripes stay held while a range is held in which their request lies.
 *
 * <p>An uncontended stripe costs one compare-and-set; the monitor of a
 * stripe is entered only to queue and to hand over, never during I/O.
 */
@HotPath("every READ of a device and every change to it takes its stripes here")
final class UnitLocks {
    /** Somebody who may be queued. */
    interface Waiter {
        /** What it asked for. */
        boolean wantsExclusive();

        /** The stripe is the waiter's. Called once, on the thread of whoever let it go: go on with a task. */
        void granted();
    }

    private static final int GROUP_SHIFT = 16;
    private static final int STRIPES = 256;
    /** Each state has a cache line of its own: 16 ints. */
    private static final int SPACING_SHIFT = 4;

    /** Bits below are the count of shared holders. */
    private static final int EXCLUSIVE = 1 << 30;

    private static final int QUEUED = 1 << 29;

    private final AtomicIntegerArray states = new AtomicIntegerArray(STRIPES << SPACING_SHIFT);
    private final ArrayDeque<Waiter>[] queues = grow();

    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no generic arrays; this one never leaves the class.
    private static ArrayDeque<Waiter>[] grow() {
        ArrayDeque<Waiter>[] queues = new ArrayDeque[STRIPES];
        for (int i = 0; i < STRIPES; i++) {
            queues[i] = new ArrayDeque<>(2);
        }
        return queues;
    }

    /** How many stripes the stretch of at least one byte takes. */
    static int stripeCount(long offset, long length) {
        long groups = ((offset + length - 1) >>> GROUP_SHIFT) - (offset >>> GROUP_SHIFT) + 1;
        return (int) Math.min(groups, STRIPES);
    }

    /** The stripe that a stretch of {@code stripeCount} takes at {@code position}, from 0; they ascend. */
    static int stripe(long offset, int stripeCount, int position) {
        int first = (int) (offset >>> GROUP_SHIFT) & (STRIPES - 1);
        int wrapped = Math.max(0, first + stripeCount - STRIPES);
        return position < wrapped ? position : first + position - wrapped;
    }

    /** Takes the stripe shared if nobody has or awaits it exclusively. */
    boolean tryShared(int stripe) {
        int at = stripe << SPACING_SHIFT;
        while (true) {
            int state = states.get(at);
            if ((state & (EXCLUSIVE | QUEUED)) != 0) {
                return false;
            }
            if (states.compareAndSet(at, state, state + 1)) {
                return true;
            }
        }
    }

    /** Takes the stripe as the waiter wants it, or queues the waiter: then false, and it will be called. */
    boolean acquire(int stripe, Waiter waiter) {
        int at = stripe << SPACING_SHIFT;
        boolean exclusive = waiter.wantsExclusive();
        if (exclusive ? states.compareAndSet(at, 0, EXCLUSIVE) : tryShared(stripe)) {
            return true;
        }
        ArrayDeque<Waiter> queue = queues[stripe];
        synchronized (queue) {
            while (true) {
                int state = states.get(at);
                boolean free = exclusive ? state == 0 : (state & (EXCLUSIVE | QUEUED)) == 0;
                int next = free ? (exclusive ? EXCLUSIVE : state + 1) : state | QUEUED;
                // Fails if a holder let go meanwhile: had he not seen QUEUED, nobody would call the waiter.
                if (states.compareAndSet(at, state, next)) {
                    if (!free) {
                        queue.add(waiter);
                    }
                    return free;
                }
            }
        }
    }

    /** Takes the waiter out of the queue; false if the stripe was given to it before: it is called, or has been. */
    boolean withdraw(int stripe, Waiter waiter) {
        ArrayDeque<Waiter> queue = queues[stripe];
        synchronized (queue) {
            if (!queue.remove(waiter)) {
                return false;
            }
            if (queue.isEmpty()) {
                states.addAndGet(stripe << SPACING_SHIFT, -QUEUED);
            }
        }
        // Those behind it may have waited for nothing else.
        handOver(stripe);
        return true;
    }

    void releaseShared(int stripe) {
        // Only the last of the shared holders can hand over to a queue, whose head wants the stripe exclusively.
        if (states.addAndGet(stripe << SPACING_SHIFT, -1) == QUEUED) {
            handOver(stripe);
        }
    }

    void releaseExclusive(int stripe) {
        if (states.addAndGet(stripe << SPACING_SHIFT, -EXCLUSIVE) == QUEUED) {
            handOver(stripe);
        }
    }

    /** Gives the stripe to the head of the queue, and to those behind it if all of them want to share. */
    private void handOver(int stripe) {
        int at = stripe << SPACING_SHIFT;
        ArrayDeque<Waiter> queue = queues[stripe];
        synchronized (queue) {
            Waiter head = queue.peek();
            while (head != null) {
                boolean exclusive = head.wantsExclusive();
                int state = states.get(at);
                if (exclusive ? state != QUEUED : (state & EXCLUSIVE) != 0) {
                    return;
                }
                int taken = exclusive ? EXCLUSIVE : (state & ~QUEUED) + 1;
                int next = queue.size() > 1 ? taken | QUEUED : taken;
                if (states.compareAndSet(at, state, next)) {
                    queue.remove();
                    head.granted();
                    head = queue.peek();
                }
            }
        }
    }

    /** Whether nobody holds or awaits anything; for tests of who must have let go. */
    boolean isIdle() {
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            if (states.get(stripe << SPACING_SHIFT) != 0) {
                return false;
            }
        }
        return true;
    }
}
