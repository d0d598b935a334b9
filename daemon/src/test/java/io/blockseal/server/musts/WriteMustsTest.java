package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.RawNbd;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What changes data, WRITE_ZEROES excepted, and what must not. */
@AgainstAllPeers
class WriteMustsTest extends NbdMusts {
    @EachStyle
    @Section("NBD_CMD_WRITE")
    void whatWasWrittenIsReadAndNothingBesideIt(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            byte[] model = pattern(300_000, 1);
            assertEquals(0, write(nbd, 0, 0, model));
            for (int[] part : new int[][] {{0, 1}, {511, 2}, {4095, 4098}, {70_001, 100_003}, {299_999, 1}}) {
                byte[] data = pattern(part[1], part[0]);
                System.arraycopy(data, 0, model, part[0], data.length);
                assertEquals(0, write(nbd, part[0] % 2 == 0 ? 0 : FUA, part[0], data));
                assertArrayEquals(model, read(nbd, 0, model.length));
            }
        }
    }

    @Test
    @Section("Transmission flags")
    void whatWasFlushedIsSeenByEveryConnection() throws Exception {
        try (RawNbd one = transmitting(NbdReplyStyle.STRUCTURED);
                RawNbd two = transmitting(NbdReplyStyle.SIMPLE)) {
            assumeTrue(offers(one, NbdTransmissionFlags.CAN_MULTI_CONN), "it is not offered");
            for (int i = 0; i < 50; i++) {
                byte[] data = pattern(4096, i);
                boolean durable = i % 2 == 0;
                assertEquals(0, write(one, durable ? FUA : 0, i * 4096L, data));
                if (!durable) {
                    assertEquals(0, ask(two, 0, NbdCommand.FLUSH, 0, 0).error());
                }
                assertArrayEquals(data, read(two, i * 4096L, 4096));
            }
        }
    }

    @EachStyle
    @Section("NBD_CMD_TRIM")
    void trimTouchesNothingBesideItsPart(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            assumeTrue(offers(nbd, NbdTransmissionFlags.SEND_TRIM), "it is not offered");
            byte[] data = pattern(200_000, 2);
            assertEquals(0, write(nbd, 0, 0, data));
            assertEquals(0, ask(nbd, 0, NbdCommand.TRIM, 5001, 100_003).error());
            byte[] back = read(nbd, 0, data.length);
            assertArrayEquals(Arrays.copyOf(data, 5001), Arrays.copyOf(back, 5001));
            assertArrayEquals(
                    Arrays.copyOfRange(data, 105_004, data.length), Arrays.copyOfRange(back, 105_004, data.length));
        }
    }

    @Test
    @Section("NBD_CMD_CACHE")
    void cacheChangesNothingAndRefusesFlagsThatItDoesNotHave() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.STRUCTURED)) {
            assumeTrue(offers(nbd, NbdTransmissionFlags.SEND_CACHE), "it is not offered");
            byte[] data = pattern(65536, 3);
            assertEquals(0, write(nbd, 0, 4096, data));
            assertEquals(0, ask(nbd, 0, NbdCommand.CACHE, 4097, 65000).error());
            for (int flags : new int[] {NO_HOLE, DF, REQ_ONE, FAST_ZERO, PAYLOAD_LEN, 1 << 12}) {
                assertNotEquals(0, ask(nbd, flags, NbdCommand.CACHE, 4096, 4096).error(), "flags " + flags);
            }
            assertArrayEquals(data, read(nbd, 4096, data.length));
            byte[] other = pattern(65536, 4);
            assertEquals(0, write(nbd, 0, 4096, other));
            assertArrayEquals(other, read(nbd, 4096, other.length));
        }
    }

    @Test
    @Section("Ordering of messages and writes")
    void aFlushIsAnsweredHoweverManyWritesAreUnderWay() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            assertTrue(offers(nbd, NbdTransmissionFlags.SEND_FLUSH));
            int count = 20;
            for (int i = 0; i < count; i++) {
                nbd.send(0, NbdCommand.WRITE.code(), i, 8192L * i, 4096, pattern(4096, i));
                nbd.send(0, NbdCommand.FLUSH.code(), 1000 + i, 0, 0);
            }
            for (int i = 0; i < 2 * count; i++) {
                assertEquals(0, nbd.chunk(0).type());
            }
            for (int i = 0; i < count; i++) {
                assertArrayEquals(pattern(4096, i), read(nbd, 8192L * i, 4096));
            }
        }
    }
}
