package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdReplyType;
import io.blockseal.server.RawNbd.Chunk;
import io.blockseal.server.RawNbd.Reply;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.Set;

/**
 * What holds for every reply, whatever was asked ("Structured reply chunk message", "Extended reply chunk message",
 * "Structured reply types", "Error values").
 */
final class ReplyRules {
    private static final Set<Integer> ERRORS = Set.of(1, 5, 12, 22, 28, 75, 95, 108);
    private static final int STRING_BYTES_MAX = 4096;
    private static final int DONE = 1;
    /** What all servers here have told, or what holds where nothing was told. */
    private static final int PAYLOAD_BYTES_MAX = 32 << 20;

    private ReplyRules() {}

    static void check(NbdReplyStyle style, long requestOffset, Reply reply) {
        for (Chunk chunk : reply.chunks()) {
            if (chunk.simple()) {
                assertNotEquals(NbdReplyStyle.EXTENDED, style, "a simple reply");
                assertEquals(1, reply.chunks().size(), "a simple reply among chunks");
                assertTrue(chunk.type() == 0 || ERRORS.contains(chunk.type()), "error " + chunk.type());
            } else {
                assertNotEquals(NbdReplyStyle.SIMPLE, style, "a chunk");
                checkChunk(style, requestOffset, chunk);
            }
        }
    }

    private static void checkChunk(NbdReplyStyle style, long requestOffset, Chunk chunk) {
        assertEquals(0, chunk.flags() & ~DONE, "flags that nobody agreed on");
        if (style == NbdReplyStyle.EXTENDED) {
            assertEquals(requestOffset, chunk.offset(), "the request's offset");
        }
        int length = chunk.payload().length;
        switch (chunk.type()) {
            case NbdReplyType.NONE -> {
                assertEquals(0, length);
                assertTrue(chunk.done(), "NONE is the last");
            }
            case NbdReplyType.OFFSET_DATA -> {
                assertTrue(length >= 9, "data without a byte");
                assertTrue(length - 8 <= PAYLOAD_BYTES_MAX, "more than the largest payload");
            }
            case NbdReplyType.OFFSET_HOLE -> {
                assertEquals(12, length);
                assertNotEquals(0, ByteBuffer.wrap(chunk.payload()).getInt(8), "a hole without a byte");
            }
            case NbdReplyType.BLOCK_STATUS -> {
                assertEquals(NbdReplyStyle.STRUCTURED, style);
                assertTrue(length >= 12 && (length - 4) % 8 == 0, "length " + length);
            }
            case NbdReplyType.BLOCK_STATUS_EXT -> {
                assertEquals(NbdReplyStyle.EXTENDED, style);
                assertTrue(length >= 24 && (length - 8) % 16 == 0, "length " + length);
                assertEquals((length - 8) / 16, ByteBuffer.wrap(chunk.payload()).getInt(4), "count of descriptors");
            }
            default -> {
                assertTrue(NbdReplyType.isError(chunk.type()), "type " + chunk.type());
                checkError(chunk);
            }
        }
    }

    /** The places of errors lie within the request. */
    static void checkErrorOffsets(Reply reply, long offset, long length) {
        for (Chunk chunk : reply.chunks()) {
            if (!chunk.simple() && chunk.type() == NbdReplyType.ERROR_OFFSET) {
                ByteBuffer payload = ByteBuffer.wrap(chunk.payload());
                long at = payload.getLong(payload.capacity() - 8);
                assertTrue(Long.compareUnsigned(at - offset, length) < 0, "error at " + at);
            }
        }
    }

    private static void checkError(Chunk chunk) {
        int behind = chunk.type() == NbdReplyType.ERROR_OFFSET ? 8 : 0;
        ByteBuffer payload = ByteBuffer.wrap(chunk.payload());
        assertTrue(payload.remaining() >= 6 + behind);
        assertTrue(ERRORS.contains(payload.getInt()), "error " + payload.getInt(0));
        byte[] text = new byte[payload.getShort() & 0xffff];
        assertTrue(text.length <= payload.remaining() - behind, "the text is longer than the chunk");
        payload.get(text);
        assertGoodText(text);
    }

    /** A string of the protocol's. */
    static void assertGoodText(byte[] text) {
        assertTrue(text.length <= STRING_BYTES_MAX, "length " + text.length);
        try {
            String decoded = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(text))
                    .toString();
            assertEquals(-1, decoded.indexOf('\0'), "a NUL");
        } catch (CharacterCodingException e) {
            throw new AssertionError("not UTF-8", e);
        }
    }

    /**
     * What a READ that succeeded has brought: its chunks cover the whole of the request, and nothing twice, and nothing
     * else ("NBD_CMD_READ").
     */
    static byte[] dataOf(Reply reply, long offset, int length) {
        if (reply.chunks().get(0).simple()) {
            byte[] data = reply.chunks().get(0).payload();
            assertEquals(length, data.length);
            return data;
        }
        byte[] data = new byte[length];
        BitSet covered = new BitSet(length);
        for (Chunk chunk : reply.chunks()) {
            ByteBuffer payload = ByteBuffer.wrap(chunk.payload());
            if (isContent(chunk)) {
                long at = payload.getLong() - offset;
                boolean hole = chunk.type() == NbdReplyType.OFFSET_HOLE;
                long bytes = hole ? Integer.toUnsignedLong(payload.getInt()) : payload.remaining();
                assertTrue(at >= 0 && at + bytes <= length, "content outside of the request");
                int next = covered.nextSetBit((int) at);
                assertFalse(next >= 0 && next < at + bytes, "content that overlaps");
                covered.set((int) at, (int) (at + bytes));
                if (!hole) {
                    payload.get(data, (int) at, (int) bytes);
                }
            } else {
                assertEquals(NbdReplyType.NONE, chunk.type(), "a chunk that READ does not have");
            }
        }
        assertEquals(length, covered.cardinality(), "bytes that were sent");
        return data;
    }

    static boolean isContent(Chunk chunk) {
        return !chunk.simple()
                && (chunk.type() == NbdReplyType.OFFSET_DATA || chunk.type() == NbdReplyType.OFFSET_HOLE);
    }

    static long contentChunks(Reply reply) {
        return reply.chunks().stream().filter(ReplyRules::isContent).count();
    }
}
