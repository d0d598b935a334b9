package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.Reply;
import java.util.Arrays;
import java.util.Random;

/** READ. */
@AgainstAllPeers
class ReadMustsTest extends NbdMusts {
    /** Data and holes in turn, which a server that knows about holes likes to answer in pieces. */
    @EachStyle
    @Section("NBD_CMD_READ")
    void theChunksCoverTheRequestAndNothingTwice(NbdReplyStyle style) throws Exception {
        byte[] model = new byte[8 << 20];
        try (RawNbd nbd = transmitting(style)) {
            assertEquals(
                    0, ask(nbd, 0, NbdCommand.WRITE_ZEROES, 0, model.length).error());
            for (int at = 0; at < model.length; at += 512 << 10) {
                byte[] data = pattern(200_000, at);
                System.arraycopy(data, 0, model, at, data.length);
                assertEquals(0, write(nbd, 0, at, data));
            }
            Random random = new Random(8);
            for (int i = 0; i < 40; i++) {
                int length = 1 + random.nextInt(i % 4 == 0 ? 4 << 20 : 100_000);
                int offset = random.nextInt(model.length - length);
                byte[] expected = Arrays.copyOfRange(model, offset, offset + length);
                assertArrayEquals(expected, read(nbd, offset, length), "step " + i);
                if (style.isChunked() && length <= 65536) {
                    assertArrayEquals(expected, read(nbd, DF, offset, length), "step " + i);
                }
            }
        }
    }

    @EachStyle(chunked = true)
    @Section("NBD_CMD_READ")
    void whatMustNotBeFragmentedIsOneChunkAnd64KibAreNeverRefused(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            assertEquals(0, ask(nbd, 0, NbdCommand.WRITE_ZEROES, 0, 1 << 20).error());
            byte[] data = pattern(32768, 18);
            assertEquals(0, write(nbd, 0, 0, data));
            Reply reply = ask(nbd, DF, NbdCommand.READ, 0, 65536);
            assertEquals(0, reply.error());
            assertEquals(1, ReplyRules.contentChunks(reply));
            assertArrayEquals(Arrays.copyOf(data, 65536), ReplyRules.dataOf(reply, 0, 65536));
            Reply large = ask(nbd, DF, NbdCommand.READ, 512, 5 << 20);
            long chunks = ReplyRules.contentChunks(large);
            assertTrue(large.error() == EOVERFLOW ? chunks == 0 : large.error() == 0 && chunks == 1);
        }
    }

    @EachStyle
    @Section("Size constraints")
    void thirtyTwoMebibytesAreNoAttack(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            byte[] data = pattern(32 << 20, 25);
            assertEquals(0, write(nbd, 0, 0, data));
            assertArrayEquals(data, read(nbd, 0, 32 << 20));
        }
    }
}
