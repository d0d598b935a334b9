package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.memory.JvmMemorySource;
import io.netty.channel.DefaultEventLoop;
import org.junit.jupiter.api.Test;

class DiskPausesTest {
    private final BusyPoll poll = IoLoops.busyPoll(new SpareProcessors(2, () -> 0).addLoop(), () -> 0);
    private final DiskPauses pauses = poll.diskPauses();

    @Test
    void withoutADiskNothingIsSleptThrough() {
        pauses.looked(true);
        assertFalse(pauses.isToSleep());
    }

    @Test
    void nothingIsSleptThroughOnceTheLastFileIsDone() {
        pauses.awaitsDisk(1);
        pauses.awaitsDisk(1);
        pauses.looked(true);
        pauses.awaitsDisk(-1);
        assertTrue(pauses.isToSleep());
        pauses.awaitsDisk(-1);
        assertFalse(pauses.isToSleep());
        pauses.awaitsDisk(1);
        assertTrue(pauses.isToSleep(), "the disk is what it was");
    }

    @Test
    void asManyAsWereToBe() {
        pauses.awaitsDisk(1);
        for (int i = 0; i < 3; i++) {
            pauses.looked(true);
        }
        int slept = 0;
        for (; pauses.isToSleep(); slept++) {
            pauses.sleptInstead();
        }
        assertEquals(7, slept);
    }

    @Test
    void aLoopPassesOnWhatItsFilesSay() {
        DefaultEventLoop eventLoop = new DefaultEventLoop();
        try {
            NettyIoLoop loop =
                    new NettyIoLoop(eventLoop, Thread.currentThread(), 0, 1 << 20, new JvmMemorySource(), poll);
            loop.awaitsDisk(1);
            pauses.looked(true);
            assertTrue(pauses.isToSleep());
            loop.awaitsDisk(-1);
            assertFalse(pauses.isToSleep());
        } finally {
            eventLoop.shutdownGracefully();
        }
    }
}
