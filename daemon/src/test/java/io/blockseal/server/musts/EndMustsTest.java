package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.RawNbd;
import java.util.BitSet;
import org.junit.jupiter.api.Test;

/** How transmission ends: DISC, and clients that vanish. */
@AgainstAllPeers
class EndMustsTest extends NbdMusts {
    @EachStyle
    @Section("NBD_CMD_DISC")
    void discIsNotAnsweredAndWhatIsOutstandingIs(NbdReplyStyle style) throws Exception {
        int count = 8;
        try (RawNbd nbd = transmitting(style)) {
            for (int i = 0; i < count; i++) {
                nbd.send(0, NbdCommand.READ.code(), i, 4096L * i, 4096);
            }
            nbd.send(0, NbdCommand.DISC.code(), 99, 0, 0);
            BitSet answered = new BitSet(count);
            while (answered.cardinality() < count) {
                RawNbd.Chunk chunk = nbd.chunk(4096);
                if (chunk.done()) {
                    answered.set((int) chunk.cookie());
                }
            }
            assertTrue(nbd.isClosedByServer());
            assertEquals(count, answered.length());
        }
    }

    @EachStyle
    @Section("NBD_CMD_DISC")
    void behindDiscNothingIsTakenAnyMore(NbdReplyStyle style) throws Exception {
        byte[] before = pattern(512, 1);
        try (RawNbd nbd = transmitting(style)) {
            assertEquals(0, write(nbd, 0, 0, before));
            // All of it at once, so that the server has what follows when it takes DISC.
            nbd.put(0, NbdCommand.DISC.code(), 1, 0, 0);
            int payload = style == NbdReplyStyle.EXTENDED ? PAYLOAD_LEN : 0;
            nbd.send(payload, NbdCommand.WRITE.code(), 2, 0, 512, new byte[512]);
            assertTrue(nbd.isClosedByServer());
        }
        try (RawNbd nbd = transmitting(style)) {
            assertArrayEquals(before, read(nbd, 0, 512));
            // Offset and length have to be zero, and mean nothing.
            nbd.send(0, NbdCommand.DISC.code(), 1, 4096, 512);
            assertTrue(nbd.isClosedByServer());
        }
    }

    @Test
    @Section("Terminating the transmission phase")
    void aClientThatVanishesCostsItsOwnConnectionOnly() throws Exception {
        try (RawNbd other = transmitting(NbdReplyStyle.SIMPLE)) {
            for (int round = 0; round < 20; round++) {
                RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE);
                for (int i = 0; i < 16; i++) {
                    nbd.send(0, NbdCommand.READ.code(), i, 0, 1 << 20);
                }
                nbd.close();
            }
            assertInStep(other);
        }
        try (RawNbd late = transmitting(NbdReplyStyle.SIMPLE)) {
            assertInStep(late);
        }
    }
}
