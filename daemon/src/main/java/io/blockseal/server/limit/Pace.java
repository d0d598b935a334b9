package io.blockseal.server.limit;

import io.blockseal.block.HotPath;
import io.blockseal.export.ExportBudget;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdLimits;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Holds one connection to the budget of its export: a request that is too many is not taken from the client, nor is what
 * the client has sent behind it, until there is room again. FLUSH and DISC cost nothing. On the connection's loop.
 */
@HotPath("asked for every request")
public final class Pace {
    /** Waking for each request by itself would cost more than the request. */
    private static final long WAIT_NANOS_MIN = TimeUnit.MILLISECONDS.toNanos(2);

    private final ExportBudget budget;
    private final ExportMetrics metrics;
    private final EventLoop loop;
    private final Runnable onRoom;
    private final Runnable onTime = this::timeHasCome;
    private @Nullable ScheduledFuture<?> waiting;

    /** {@code onRoom} is called when a request that had to wait may be tried again. */
    public Pace(ExportBudget budget, ExportMetrics metrics, EventLoop loop, Runnable onRoom) {
        this.budget = budget;
        this.metrics = metrics;
        this.loop = loop;
        this.onRoom = onRoom;
    }

    /** Whether a request may be begun now; if so, it is paid for. */
    public boolean allows(@Nullable NbdCommand command, long bytes) {
        if (!budget.isLimited() || command == null || isFree(command)) {
            return true;
        }
        if (waiting != null) {
            return false;
        }
        boolean moves = command == NbdCommand.READ || command == NbdCommand.WRITE;
        // What a client has made up is refused later, and costs no more than the largest request that there is.
        boolean sane = bytes >= 0 && bytes <= NbdLimits.DEFAULT_MAX_PAYLOAD_BYTES;
        long paid = sane ? bytes : NbdLimits.DEFAULT_MAX_PAYLOAD_BYTES;
        long wait = budget.take(moves ? paid : 0, System.nanoTime());
        if (wait == 0) {
            return true;
        }
        metrics.countSlowed();
        waiting = loop.schedule(onTime, Math.max(wait, WAIT_NANOS_MIN), TimeUnit.NANOSECONDS);
        return false;
    }

    private static boolean isFree(NbdCommand command) {
        return command == NbdCommand.FLUSH || command == NbdCommand.DISC;
    }

    private void timeHasCome() {
        waiting = null;
        onRoom.run();
    }

    /** The connection is gone: nobody waits, which could be for hours, and be done by somebody else again and again. */
    public void end() {
        ScheduledFuture<?> running = waiting;
        waiting = null;
        if (running != null) {
            running.cancel(false);
        }
    }
}
