package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.Reply;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** WRITE_ZEROES; all servers here offer it. */
@AgainstAllPeers
class ZeroesMustsTest extends NbdMusts {
    private RawNbd open() throws Exception {
        return withAllocation(NbdReplyStyle.STRUCTURED);
    }

    @BeforeEach
    void isOffered() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            assertEquals(true, offers(nbd, NbdTransmissionFlags.SEND_WRITE_ZEROES));
        }
    }

    @Test
    @Section("NBD_CMD_WRITE_ZEROES")
    void allOfItsPartReadsAsZeroesAndNothingBesideIt() throws Exception {
        int length = 24 << 20;
        int step = 4 << 20;
        int edge = 1000;
        try (RawNbd nbd = open()) {
            for (int at = 0; at < length; at += step) {
                assertEquals(0, write(nbd, 0, at, pattern(step, at)));
            }
            assertEquals(
                    0,
                    ask(nbd, 0, NbdCommand.WRITE_ZEROES, edge, length - 2L * edge)
                            .error());
            byte[] back = read(nbd, 0, length);
            assertArrayEquals(Arrays.copyOf(pattern(step, 0), edge), Arrays.copyOf(back, edge));
            assertArrayEquals(new byte[length - 2 * edge], Arrays.copyOfRange(back, edge, length - edge));
            assertArrayEquals(
                    Arrays.copyOfRange(pattern(step, length - step), step - edge, step),
                    Arrays.copyOfRange(back, length - edge, length));
        }
    }

    @Test
    @Section("NBD_CMD_WRITE_ZEROES")
    void withNoHoleThePartStaysProvisioned() throws Exception {
        try (RawNbd nbd = open()) {
            assertEquals(0, write(nbd, 0, 1 << 20, pattern(1 << 20, 16)));
            assertEquals(
                    0,
                    ask(nbd, NO_HOLE, NbdCommand.WRITE_ZEROES, 1 << 20, 1 << 20).error());
            assertArrayEquals(new byte[1 << 20], read(nbd, 1 << 20, 1 << 20));
            Reply status = ask(nbd, REQ_ONE, NbdCommand.BLOCK_STATUS, 1 << 20, 1 << 20);
            int state = ByteBuffer.wrap(status.chunks().get(0).payload()).getInt(8);
            assertEquals(0, state & 1, "a hole");
        }
    }

    @Test
    @Section("NBD_CMD_WRITE_ZEROES")
    void withFastZeroItIsDoneOrNotSupportedAndThenNothingHasChanged() throws Exception {
        try (RawNbd nbd = open()) {
            for (int flags : new int[] {FAST_ZERO, FAST_ZERO | NO_HOLE}) {
                byte[] data = pattern(65536, flags);
                assertEquals(0, write(nbd, 0, 0, data));
                int error = ask(nbd, flags, NbdCommand.WRITE_ZEROES, 0, 65536).error();
                byte[] back = read(nbd, 0, 65536);
                if (!offers(nbd, NbdTransmissionFlags.SEND_FAST_ZERO)) {
                    assertEquals(EINVAL, error);
                } else if (error != 0) {
                    assertEquals(ENOTSUP, error);
                }
                assertArrayEquals(error == 0 ? new byte[65536] : data, back);
            }
        }
    }

    @Test
    @Section("NBD_CMD_WRITE_ZEROES")
    void withoutFastZeroItIsNeverNotSupported() throws Exception {
        try (RawNbd nbd = open()) {
            for (int flags : new int[] {0, NO_HOLE, FUA, FUA | NO_HOLE}) {
                for (long[] part : new long[][] {{0, 1 << 20}, {1, 1}, {4095, 8193}, {0, nbd.size}}) {
                    assertEquals(
                            0,
                            ask(nbd, flags, NbdCommand.WRITE_ZEROES, part[0], part[1])
                                    .error());
                }
            }
        }
    }
}
