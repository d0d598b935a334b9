package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdReplyType;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.Chunk;
import io.blockseal.server.RawNbd.Reply;
import io.blockseal.server.musts.ContextMustsTest.MetaContext;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

/** BLOCK_STATUS. */
@AgainstAllPeers
class BlockStatusMustsTest extends NbdMusts {
    private static final int ZERO = 2;

    /** One descriptor. */
    private record Extent(long length, long flags) {}

    /** What one chunk says of its context. */
    private static List<Extent> extents(Chunk chunk) {
        boolean extended = chunk.type() == NbdReplyType.BLOCK_STATUS_EXT;
        assertTrue(extended || chunk.type() == NbdReplyType.BLOCK_STATUS, "type " + chunk.type());
        ByteBuffer payload = ByteBuffer.wrap(chunk.payload());
        payload.position(extended ? 8 : 4);
        List<Extent> found = new ArrayList<>();
        while (payload.hasRemaining()) {
            found.add(
                    extended
                            ? new Extent(payload.getLong(), payload.getLong())
                            : new Extent(
                                    Integer.toUnsignedLong(payload.getInt()),
                                    Integer.toUnsignedLong(payload.getInt())));
        }
        return found;
    }

    private static List<Extent> status(RawNbd nbd, int flags, long offset, long length) throws IOException {
        Reply reply = ask(nbd, flags, NbdCommand.BLOCK_STATUS, offset, length);
        assertEquals(0, reply.error());
        List<Chunk> chunks = reply.chunks().stream()
                .filter(chunk -> chunk.type() != NbdReplyType.NONE)
                .toList();
        assertEquals(1, chunks.size(), "a chunk for the one context");
        List<Extent> found = extents(chunks.get(0));
        assertFalse(found.isEmpty());
        for (Extent extent : found) {
            assertTrue(extent.length() > 0, "an extent without a byte");
            assertEquals(0, extent.flags() >>> 32, "base:allocation has 32 bits");
        }
        return found;
    }

    /** Data in every second of its first blocks. */
    private void checker(RawNbd nbd) throws IOException {
        boolean trims = offers(nbd, NbdTransmissionFlags.SEND_TRIM);
        NbdCommand clearing = trims ? NbdCommand.TRIM : NbdCommand.WRITE_ZEROES;
        assertEquals(0, ask(nbd, 0, clearing, 0, nbd.size).error());
        for (int i = 0; i < 20; i++) {
            assertEquals(0, write(nbd, 0, 131_072L * i, pattern(65536, i)));
        }
    }

    @EachStyle(chunked = true)
    @Section("NBD_REPLY_TYPE_BLOCK_STATUS")
    void everyAnswerLeadsOnAndWhatIsCalledZeroIsZero(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = withAllocation(style)) {
            checker(nbd);
            for (long length : new long[] {1 << 17, 99_999, nbd.size}) {
                long at = length == 99_999 ? 1 : 0;
                long end = Math.min(nbd.size, 4 << 20);
                while (at < end) {
                    for (Extent extent : status(nbd, 0, at, Math.min(length, nbd.size - at))) {
                        int here = (int) Math.min(extent.length(), end - at);
                        if ((extent.flags() & ZERO) != 0 && here > 0) {
                            assertArrayEquals(new byte[here], read(nbd, at, here));
                        }
                        at += extent.length();
                    }
                    assertTrue(at <= nbd.size, "beyond the end of the export");
                }
            }
        }
    }

    @EachStyle(chunked = true)
    @Section("NBD_REPLY_TYPE_BLOCK_STATUS")
    void onlyTheLastExtentReachesTheEndOfTheRequest(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = withAllocation(style)) {
            checker(nbd);
            for (long length : new long[] {1, 512, 4096, 100_000, 131_072, 1 << 20, nbd.size}) {
                List<Extent> found = status(nbd, 0, 0, length);
                long before = found.stream().mapToLong(Extent::length).sum()
                        - found.get(found.size() - 1).length();
                assertTrue(before < length);
            }
        }
    }

    @EachStyle(chunked = true)
    @Section("NBD_CMD_BLOCK_STATUS")
    void oneExtentIsAskedForAndOneComesAndItEndsWithinTheRequest(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = withAllocation(style)) {
            checker(nbd);
            for (long length : new long[] {1, 512, 4096, 100_000, 1 << 20, nbd.size}) {
                List<Extent> one = status(nbd, REQ_ONE, 0, length);
                assertEquals(1, one.size());
                assertTrue(one.get(0).length() <= length);
            }
        }
    }

    @EachStyle(chunked = true)
    @Section("Metadata querying")
    void eachSelectedContextHasOneChunk(NbdReplyStyle style) throws Exception {
        String[] all;
        try (RawNbd nbd = haggling(style)) {
            byte[] none = RawNbd.metaQuery(peer.exportName());
            all = MetaContext.names(MetaContext.in(nbd.option(NbdOption.LIST_META_CONTEXT.code(), none)))
                    .toArray(new String[0]);
        }
        try (RawNbd nbd = haggling(style)) {
            byte[] query = RawNbd.metaQuery(peer.exportName(), all);
            List<Integer> selected = MetaContext.in(nbd.option(NbdOption.SET_META_CONTEXT.code(), query)).stream()
                    .map(MetaContext::id)
                    .sorted()
                    .toList();
            nbd.go(peer.exportName());
            for (int flags : new int[] {0, REQ_ONE, FUA}) {
                Reply reply = ask(nbd, flags, NbdCommand.BLOCK_STATUS, 4096, 1 << 20);
                assertEquals(0, reply.error());
                List<Chunk> chunks = reply.chunks().stream()
                        .filter(chunk -> chunk.type() != NbdReplyType.NONE)
                        .toList();
                assertEquals(
                        selected,
                        chunks.stream()
                                .map(chunk -> ByteBuffer.wrap(chunk.payload()).getInt())
                                .sorted()
                                .toList());
                for (Chunk chunk : chunks) {
                    List<Extent> found = extents(chunk);
                    assertTrue(flags != REQ_ONE || found.size() == 1);
                    for (Extent extent : found) {
                        assertNotEquals(0, extent.length());
                    }
                }
            }
        }
    }

    @Test
    @Section("NBD_CMD_BLOCK_STATUS")
    void aListOfContextsLimitsTheAnswerToThem() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.EXTENDED)) {
            byte[] none = RawNbd.metaQuery(peer.exportName());
            String[] all = MetaContext.names(MetaContext.in(nbd.option(NbdOption.LIST_META_CONTEXT.code(), none)))
                    .toArray(new String[0]);
            List<Integer> ids = MetaContext.in(
                            nbd.option(NbdOption.SET_META_CONTEXT.code(), RawNbd.metaQuery(peer.exportName(), all)))
                    .stream()
                    .map(MetaContext::id)
                    .toList();
            nbd.go(peer.exportName());
            assumeTrue(offers(nbd, NbdTransmissionFlags.BLOCK_STATUS_PAYLOAD), "it is not offered");
            for (int id : ids) {
                assertEquals(List.of(id), contexts(listed(nbd, 0, 4096, 1 << 20, id)));
                assertEquals(List.of(id), contexts(listed(nbd, REQ_ONE, 0, nbd.size, id)));
            }
            int[] backwards = ids.stream()
                    .sorted(Comparator.reverseOrder())
                    .mapToInt(Integer::intValue)
                    .toArray();
            assertEquals(
                    ids,
                    contexts(listed(nbd, 0, 0, 4096, backwards)).stream()
                            .sorted()
                            .toList());
            assertEquals(EINVAL, listed(nbd, 0, 0, 4096, ids.get(0), ids.get(0)).error(), "one of them twice");
            assertEquals(EINVAL, listed(nbd, 0, 0, 4096, 77).error(), "one that was not selected");
            assertEquals(EINVAL, listed(nbd, 0, 0, 4096, new int[1000]).error());
            assertEquals(EINVAL, listed(nbd, 0, 4096, nbd.size, ids.get(0)).error(), "beyond the end");
            assertEquals(EINVAL, listed(nbd, 0, 0, -1, ids.get(0)).error());
            assertEquals(EINVAL, listed(nbd, DF, 0, 4096, ids.get(0)).error(), "a flag that it does not have");
            for (int length : new int[] {1, 7, 9, 11, 13}) {
                nbd.send(PAYLOAD_LEN, NbdCommand.BLOCK_STATUS.code(), 3, 0, length, new byte[length]);
                assertEquals(EINVAL, nbd.reply(3, 0).error(), "payload of " + length);
            }
            assertEquals(
                    ids.size(),
                    ask(nbd, 0, NbdCommand.BLOCK_STATUS, 0, 4096).chunks().size(),
                    "without a list: all");
        }
    }

    private static Reply listed(RawNbd nbd, int flags, long offset, long length, int... ids) throws IOException {
        byte[] payload = RawNbd.bytes(data -> {
            data.writeLong(length);
            for (int id : ids) {
                data.writeInt(id);
            }
        });
        nbd.send(flags | PAYLOAD_LEN, NbdCommand.BLOCK_STATUS.code(), 4, offset, payload.length, payload);
        Reply reply = nbd.reply(4, 0);
        ReplyRules.check(nbd.style, offset, reply);
        return reply;
    }

    private static List<Integer> contexts(Reply reply) {
        assertEquals(0, reply.error());
        return reply.chunks().stream()
                .filter(chunk -> chunk.type() != NbdReplyType.NONE)
                .map(chunk -> ByteBuffer.wrap(chunk.payload()).getInt())
                .toList();
    }

    @Test
    @Section("Metadata querying")
    void withoutAContextItIsInvalid() throws Exception {
        for (NbdReplyStyle style : NbdReplyStyle.values()) {
            if (peer.speaks(style)) {
                try (RawNbd nbd = transmitting(style)) {
                    assertEquals(
                            EINVAL, ask(nbd, 0, NbdCommand.BLOCK_STATUS, 0, 512).error());
                    assertInStep(nbd);
                }
            }
        }
    }
}
