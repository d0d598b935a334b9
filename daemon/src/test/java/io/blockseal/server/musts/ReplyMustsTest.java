package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.Chunk;
import io.blockseal.server.RawNbd.Reply;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Replies: their style, their cookies, one for each request, and its last chunk the only one that says so. */
@AgainstAllPeers
class ReplyMustsTest extends NbdMusts {
    @EachStyle
    @Section("Transmission")
    void theCookieComesBackWhateverItIs(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = transmitting(style)) {
            for (long cookie : new long[] {0, -1, Long.MIN_VALUE, 0x0123456789abcdefL, 0, 0}) {
                nbd.send(0, NbdCommand.READ.code(), cookie, 0, 512);
                assertEquals(0, nbd.reply(cookie, 512).error());
                nbd.send(0, NbdCommand.READ.code(), cookie, nbd.size, 512);
                assertNotEquals(0, nbd.reply(cookie, 512).error());
            }
        }
    }

    @Test
    @Section("Simple reply message")
    void withoutAnAgreementAllRepliesAreSimple() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            for (NbdCommand command : List.of(NbdCommand.READ, NbdCommand.TRIM, NbdCommand.WRITE_ZEROES)) {
                for (long offset : new long[] {0, nbd.size}) {
                    Reply reply = ask(nbd, 0, command, offset, 512);
                    assertEquals(1, reply.chunks().size());
                    assertTrue(reply.chunks().get(0).simple());
                }
            }
        }
    }

    @Test
    @Section("NBD_CMD_READ")
    void aSimpleReplyWithAnErrorHasNoData() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            assertNotEquals(0, ask(nbd, 0, NbdCommand.READ, nbd.size - 1, 4096).error());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("Structured reply chunk message")
    void aReadIsNeverAnsweredSimplyOnceThereAreChunks() throws Exception {
        try (RawNbd nbd = transmitting(NbdReplyStyle.STRUCTURED)) {
            for (int flags : new int[] {0, DF, FUA, REQ_ONE, 1 << 12}) {
                for (long offset : new long[] {0, nbd.size, -1}) {
                    for (int length : new int[] {512, 0}) {
                        assertInChunks(ask(nbd, flags, NbdCommand.READ, offset, length));
                    }
                }
            }
        }
    }

    @Test
    @Section("Structured reply chunk message")
    void norIsBlockStatus() throws Exception {
        try (RawNbd nbd = withAllocation(NbdReplyStyle.STRUCTURED)) {
            for (int flags : new int[] {0, REQ_ONE}) {
                assertInChunks(ask(nbd, flags, NbdCommand.BLOCK_STATUS, 0, 512));
            }
        }
    }

    private static void assertInChunks(Reply reply) {
        for (Chunk chunk : reply.chunks()) {
            assertFalse(chunk.simple());
        }
    }

    /** The offset of a request is part of every chunk, of errors and of commands that have no use for one. */
    @Test
    @Section("Extended reply chunk message")
    void extendedRepliesCarryTheOffsetOfTheRequest() throws Exception {
        try (RawNbd nbd = withAllocation(NbdReplyStyle.EXTENDED)) {
            long odd = 0x7edc_ba98_7654_3210L;
            for (int type = 3; type < 10; type++) {
                for (long offset : new long[] {0, 4096, odd, -1}) {
                    nbd.send(0, type, 5, offset, 512);
                    ReplyRules.check(nbd.style, offset, nbd.reply(5, 512));
                }
            }
            for (long offset : new long[] {0, 4097, odd}) {
                ask(nbd, 0, NbdCommand.READ, offset, 512);
                write(nbd, 0, offset, new byte[512]);
            }
            // A READ of several chunks, in whose payloads there are other offsets.
            assertEquals(0, ask(nbd, 0, NbdCommand.READ, 1000, 5 << 20).error());
        }
    }

    /** Sent without waiting: the replies may be mixed and in any order, but there is one for each, and no other. */
    @EachStyle
    @Section("Structured reply chunk message")
    void eachOfManyRequestsIsAnsweredOnceAndItsLastChunkSaysSo(NbdReplyStyle style) throws Exception {
        int count = 60;
        try (RawNbd nbd = withAllocation(style)) {
            Map<Long, Long> offsets = new HashMap<>();
            Map<Long, List<Chunk>> open = new HashMap<>();
            int[] lengths = {512, 70_000, 3 << 20};
            for (int i = 0; i < count; i++) {
                long cookie = 0x100_0000_0000L * i + 7;
                int length = lengths[i % lengths.length];
                long offset = i % 7 == 0 ? nbd.size - 1 : 1000L * i;
                offsets.put(cookie, offset);
                open.put(cookie, new ArrayList<>());
                NbdCommand command = i % 2 == 0 || style == NbdReplyStyle.SIMPLE ? NbdCommand.TRIM : NbdCommand.READ;
                nbd.send(0, command.code(), cookie, offset, length);
            }
            while (!open.isEmpty()) {
                Chunk chunk = nbd.chunk(0);
                List<Chunk> chunks = open.get(chunk.cookie());
                assertNotNull(chunks, () -> "nobody waits for cookie " + chunk.cookie());
                chunks.add(chunk);
                if (chunk.done()) {
                    ReplyRules.check(style, offsets.get(chunk.cookie()), new Reply(0, chunks, new byte[0]));
                    open.remove(chunk.cookie());
                }
            }
            assertInStep(nbd);
        }
    }
}
