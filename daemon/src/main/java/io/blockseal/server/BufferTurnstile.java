package io.blockseal.server;

import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The queue in front of a loop's buffers: who was refused waits, first come first served, and nobody overtakes.
 *
 * <p>Without it a request that needs many buffers would wait for ever beside a stream of small ones. One loop's thread.
 */
final class BufferTurnstile implements Runnable {
    /** A connection that wants buffers. */
    interface Waiter {
        /** Try again now: you are the first in the queue and something has come back. */
        void buffersMayBeFree();
    }

    /** When the first in the queue is called. */
    private enum Call {
        /** Nothing is arranged. */
        NONE,
        /** When a buffer comes back. */
        ON_RETURN,
        /** Soon: the loop has the task. */
        COMING
    }

    private final BufferArena arena;
    private final Executor loop;
    private final ArrayDeque<Waiter> queue = new ArrayDeque<>();
    private Call call = Call.NONE;

    BufferTurnstile(BufferArena arena, Executor loop) {
        this.arena = arena;
        this.loop = loop;
    }

    /** A buffer for {@code who}, or null; it is then in the queue and will be called. */
    @Nullable
    ArenaBuf lease(Waiter who, int dataBytes) {
        if (isBehindOthers(who)) {
            return null;
        }
        ArenaBuf buf = arena.lease(dataBytes);
        answered(who, buf != null);
        return buf;
    }

    /** As {@link #lease}, for {@code count} buffers at once or none. */
    boolean leaseAll(Waiter who, int dataBytes, int count, @Nullable ArenaBuf[] into) {
        if (isBehindOthers(who)) {
            return false;
        }
        boolean leased = arena.leaseAll(dataBytes, count, into);
        answered(who, leased);
        return leased;
    }

    /** Takes a connection that is gone out of the queue. */
    void leave(Waiter who) {
        boolean first = queue.peek() == who;
        if (queue.remove(who) && first) {
            callNext();
        }
    }

    /**
     * Whether one who was refused would wait for ever, as no buffer is out that could come back. It has left the queue
     * then.
     */
    boolean gaveUp(Waiter who) {
        if (queue.peek() != who || arena.mayReturn()) {
            return false;
        }
        leave(who);
        return true;
    }

    /** Whether somebody waits. */
    boolean isContended() {
        return !queue.isEmpty();
    }

    private boolean isBehindOthers(Waiter who) {
        Waiter head = queue.peek();
        if (head == null || head == who) {
            return false;
        }
        if (!queue.contains(who)) {
            queue.add(who);
        }
        return true;
    }

    private void answered(Waiter who, boolean served) {
        if (!served) {
            if (queue.isEmpty()) {
                queue.add(who);
            }
            arm();
        } else if (queue.peek() == who) {
            queue.poll();
            callNext();
        }
    }

    private void arm() {
        if (call == Call.NONE) {
            call = Call.ON_RETURN;
            arena.whenReturned(this);
        }
    }

    /**
     * The first in the queue tries again soon, although perhaps nothing has come back: what the one before has waited for
     * need not be what this one wants.
     */
    void callNext() {
        if (queue.isEmpty() || call == Call.COMING) {
            return;
        }
        if (call == Call.ON_RETURN) {
            arena.forget(this);
        }
        call = Call.COMING;
        loop.execute(this);
    }

    @Override
    public void run() {
        call = Call.NONE;
        Waiter head = queue.peek();
        while (head != null && call == Call.NONE) {
            head.buffersMayBeFree();
            if (call == Call.NONE && queue.peek() == head) {
                // It did not even try: something else holds it up. It must not hold up the others.
                queue.poll();
            }
            head = queue.peek();
        }
    }
}
