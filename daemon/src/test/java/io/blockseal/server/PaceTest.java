package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.export.Export;
import io.blockseal.export.ExportBudget;
import io.blockseal.export.LossLedger;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients of an export with a limit wait; nobody else does. */
@Timeout(60)
class PaceTest {
    private final ExportMetrics metrics = new ExportMetrics("slow", ServerRig.LOOPS);
    private ServerRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
        // A request of 512 bytes costs two seconds there, and the better part of ten minutes here.
        export("slow", 256);
        export("stuck", 1);
    }

    private void export(String name, long bytesPerSecond) {
        rig.exports.add(new Export(
                name,
                "",
                rig.plain,
                false,
                metrics,
                LossLedger.ofNone(ServerRig.LOOPS),
                List.of(),
                new ExportBudget(0, bytesPerSecond)));
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
    }

    private void awaitSlowed(long times) {
        while (metrics.slowed() < times) {
            Thread.onSpinWait();
        }
    }

    @Test
    void theOffenderWaitsAndIsServedLater() throws Exception {
        try (RawNbd offender = RawNbd.transmitting(rig.socket, "slow", NbdReplyStyle.SIMPLE);
                RawNbd friend = RawNbd.transmitting(rig.socket, "slow", NbdReplyStyle.SIMPLE);
                RawNbd neighbour = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, offender.read(0, 512).error());
            offender.send(0, NbdCommand.READ.code(), 7, 0, 512);
            awaitSlowed(1);
            for (int i = 0; i < 100; i++) {
                assertEquals(0, neighbour.read(0, 512).error());
            }
            assertEquals(0, friend.ask(0, NbdCommand.FLUSH, 0, 0).error(), "a flush costs nothing");
            assertEquals(0, offender.reply(7, 512).error());
            assertEquals(1, metrics.slowed());
        }
        rig.assertEverythingIsBack();
    }

    /** Its client may go while it waits, and the server may close. */
    @Test
    void whoWaitsHoldsNothing() throws Exception {
        try (RawNbd offender = RawNbd.transmitting(rig.socket, "stuck", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, offender.read(0, 512).error());
            offender.send(0, NbdCommand.WRITE.code(), 7, 0, 512, new byte[512]);
            awaitSlowed(1);
            assertEquals(0, rig.buffersLeased());
        }
        RawNbd other = RawNbd.transmitting(rig.socket, "stuck", NbdReplyStyle.SIMPLE);
        other.send(0, NbdCommand.READ.code(), 8, 0, 512);
        awaitSlowed(2);
        rig.exports.withdraw("stuck", "it is gone");
        assertTrue(rig.server.dismiss("stuck", true), "a request that waits keeps nobody");
        assertTrue(other.isClosedByServer());
        other.close();
        rig.assertEverythingIsBack();
    }
}
