package io.blockseal.server.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.export.ExportBudget;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.nbd.NbdCommand;
import io.netty.channel.embedded.EmbeddedChannel;
import org.junit.jupiter.api.Test;

/** What is left of a connection that was to wait and is gone. */
class WaitingPaceTest {
    private static final int NOTHING_SCHEDULED = -1;

    @Test
    void leavesNothingThatWaitsForHours() {
        EmbeddedChannel channel = new EmbeddedChannel();
        ExportMetrics metrics = new ExportMetrics("slow", 1);
        Pace pace = new Pace(new ExportBudget(0, 1), metrics, channel.eventLoop(), () -> {});
        assertTrue(pace.allows(NbdCommand.READ, 1 << 20));
        assertFalse(pace.allows(NbdCommand.READ, 512));
        assertEquals(1, metrics.slowed());
        assertTrue(channel.runScheduledPendingTasks() > 0);
        pace.end();
        assertEquals(NOTHING_SCHEDULED, channel.runScheduledPendingTasks());
        pace.end();
        channel.close();
    }
}
