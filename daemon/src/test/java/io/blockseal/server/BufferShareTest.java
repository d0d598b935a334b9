package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.memory.BufferArena;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** However small the requests are of clients that hold buffers, half of a loop's buffers is there for the others. */
@Timeout(60)
class BufferShareTest {
    private static final long HALF_BYTES = IoLoops.BUFFER_BYTES_MIN / 2;
    private static final int CLIENTS = 100;
    private static final int REQUESTS = 128;
    /** What each has in any case, and one more buffer. */
    private static final long EACH_BYTES = BufferShare.LEAST_BYTES + BufferArena.occupiedBytes(1);

    private static final long MOST_BYTES = ServerRig.LOOPS * HALF_BYTES + CLIENTS * EACH_BYTES;

    private final ServerRig rig;
    private final List<RawNbd> holders = new ArrayList<>();

    BufferShareTest() throws Exception {
        rig = new ServerRig();
    }

    @AfterEach
    void everythingIsBack() throws Exception {
        for (RawNbd nbd : holders) {
            nbd.close();
        }
        rig.closeWithEverythingBack();
    }

    /** Asks at once for so many pieces of that length. */
    private void hold(int count, int length) throws Exception {
        RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE);
        holders.add(nbd);
        for (int i = 0; i < count; i++) {
            nbd.put(0, NbdCommand.READ.code(), i, 0, length);
        }
        nbd.out.flush();
    }

    /** Clients on all loops, with requests of each size, of a volume that is well. */
    private void othersAreServed() throws Exception {
        for (int loop = 0; loop < ServerRig.LOOPS; loop++) {
            try (RawNbd nbd = RawNbd.transmitting(rig.socket, "plain", NbdReplyStyle.SIMPLE)) {
                for (int length = 1; length <= 1 << 20; length <<= 1) {
                    assertEquals(0, nbd.read(0, length).error());
                    assertEquals(0, nbd.write(0, 0, new byte[length]).error());
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4096})
    void aVolumeThatDoesNotAnswerLeavesBuffersToTheOthers(int length) throws Exception {
        rig.disk.hold = true;
        try {
            for (int i = 0; i < CLIENTS; i++) {
                hold(REQUESTS, length);
            }
            while (rig.disk.heldCount() < ServerRig.LOOPS * HALF_BYTES / BufferArena.occupiedBytes(length)) {
                Thread.onSpinWait();
            }
            othersAreServed();
            long held = rig.disk.heldCount() * (long) BufferArena.occupiedBytes(length);
            assertTrue(held <= MOST_BYTES, "they hold " + held + " bytes");
        } finally {
            rig.disk.letGo();
        }
    }

    @Test
    void clientsThatNeverReadLeaveBuffersToTheOthers() throws Exception {
        for (int i = 0; i < CLIENTS; i++) {
            // More than lie in the socket, and as few as the server's side of it takes without reading.
            hold(6_000, 2048);
        }
        while (rig.bufferBytesLeased() < ServerRig.LOOPS * HALF_BYTES / 2) {
            Thread.onSpinWait();
        }
        othersAreServed();
        long held = rig.bufferBytesLeased();
        assertTrue(held <= MOST_BYTES, "they hold " + held + " bytes");
    }
}
