package io.blockseal.server;

import io.netty.channel.EventLoop;
import io.netty.channel.SelectStrategy;
import io.netty.util.IntSupplier;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets a loop look for a moment whether more comes before it sleeps. To wake a sleeping thread on another processor takes
 * longer than to serve a small request, and a client with one request at a time pays for it each time.
 *
 * <p>It is done only while it pays: the last pause was shorter than the moment, and a processor is left for the client.
 * One look in vain ends it until a short pause is seen again, so an idle loop sleeps. On the loop's thread.
 */
final class BusyPoll implements SelectStrategy {
    /** A pause between two looks that long means that somebody else needed this processor. */
    private static final long DISPLACED_NANOS = 30_000;

    private static final long HELD_OFF_NANOS = 100_000_000;

    private final long momentNanos;
    private final BooleanSupplier processorLeft;
    private @Nullable SingleThreadEventExecutor loop;
    private boolean worthwhile;
    private long sleepsSince = System.nanoTime();
    private long heldOffUntil = System.nanoTime();

    /** Looks for {@code momentNanos} at a time; never if that is 0. */
    BusyPoll(long momentNanos, BooleanSupplier processorLeft) {
        this.momentNanos = momentNanos;
        this.processorLeft = processorLeft;
    }

    /** Whose tasks end a look: nobody wakes a loop that is not asleep. Without one there are no looks. */
    void watch(EventLoop eventLoop) {
        loop = eventLoop instanceof SingleThreadEventExecutor executor ? executor : null;
    }

    @Override
    public int calculateStrategy(IntSupplier pollNow, boolean hasTasks) throws Exception {
        if (hasTasks) {
            return pollNow.get();
        }
        long now = System.nanoTime();
        worthwhile = worthwhile || now - sleepsSince < momentNanos;
        SingleThreadEventExecutor tasks = loop;
        if (tasks != null && worthwhile && now - heldOffUntil >= 0 && processorLeft.getAsBoolean()) {
            int ready = look(pollNow, tasks, now);
            if (ready > 0 || tasks.pendingTasks() > 0) {
                return ready;
            }
            now = System.nanoTime();
        }
        worthwhile = false;
        sleepsSince = now;
        return SelectStrategy.SELECT;
    }

    private int look(IntSupplier pollNow, SingleThreadEventExecutor tasks, long begun) throws Exception {
        long before = begun;
        while (true) {
            int ready = pollNow.get();
            long now = System.nanoTime();
            if (now - before > DISPLACED_NANOS) {
                heldOffUntil = now + HELD_OFF_NANOS;
                worthwhile = false;
                return ready;
            }
            if (ready > 0 || tasks.pendingTasks() > 0 || now - begun > momentNanos) {
                return ready;
            }
            before = now;
            Thread.onSpinWait();
        }
    }
}
