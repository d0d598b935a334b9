package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdReplyType;
import io.blockseal.nbd.NbdTransmissionFlags;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What the specification demands and servers in the field got wrong, point by point, seen from the wire. The same tests
 * run against servers that others wrote: that proves the tests; points that those are known to break are skipped there
 * with the reason.
 */
@Timeout(60)
abstract class NbdMusts {
    private static final Set<Integer> WIRE_ERRORS = Set.of(0, 1, 5, 12, 22, 28, 75, 95, 108);
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;

    NbdPeer peer;

    abstract NbdPeer startPeer() throws Exception;

    @BeforeEach
    void start() throws Exception {
        peer = startPeer();
    }

    @AfterEach
    void stop() throws Exception {
        // Without its program a peer was never started; the test is skipped then, and must not fail here.
        if (peer != null) {
            peer.close();
        }
    }

    /** Skips the point for a server that is known to break it. */
    private void point(int number) {
        String failure = peer.knownFailures().get(number);
        Assumptions.assumeTrue(failure == null, () -> "known: " + failure);
    }

    private RawNbd haggling() throws Exception {
        return RawNbd.haggling(peer.socket());
    }

    private RawNbd transmitting(NbdReplyStyle style) throws Exception {
        return RawNbd.transmitting(peer.socket(), peer.exportName(), style);
    }

    private RawNbd withAllocation() throws Exception {
        return RawNbd.withAllocation(peer.socket(), peer.exportName(), NbdReplyStyle.STRUCTURED);
    }

    private static RawNbd.OptionReply last(List<RawNbd.OptionReply> replies) {
        return replies.get(replies.size() - 1);
    }

    private static byte[] pattern(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static boolean offers(RawNbd nbd, int flag) {
        return (nbd.transmissionFlags & flag) != 0;
    }

    @Test
    @DisplayName("1. an unknown option is answered ERR_UNSUP and exactly its payload is swallowed")
    void unknownOption() throws Exception {
        point(1);
        try (RawNbd nbd = haggling()) {
            for (int length : new int[] {0, 1, 4096, 16384}) {
                RawNbd.OptionReply reply = last(nbd.option(0x7abc, pattern(length, length)));
                assertEquals(0x7abc, reply.option());
                assertEquals(RawNbd.ERR_UNSUP, reply.type());
            }
            assertEquals(
                    RawNbd.ERR_UNSUP,
                    last(nbd.option(NbdOption.PEEK_EXPORT.code())).type());
            nbd.go(peer.exportName());
        }
    }

    @Test
    @DisplayName("2. unknown client flags: the connection is closed")
    void unknownClientFlags() throws Exception {
        point(2);
        try (RawNbd nbd = RawNbd.connect(peer.socket())) {
            nbd.greet(3 | 1 << 9);
            assertTrue(nbd.isClosedByServer());
        }
    }

    @Test
    @DisplayName("3. ABORT gets an ACK, also with data")
    void abort() throws Exception {
        point(3);
        for (int length : new int[] {0, 100}) {
            try (RawNbd nbd = haggling()) {
                assertEquals(
                        RawNbd.ACK,
                        last(nbd.option(NbdOption.ABORT.code(), new byte[length]))
                                .type());
                assertTrue(nbd.isClosedByServer());
            }
        }
    }

    @Test
    @DisplayName("4. INFO and GO with lengths that do not fit are refused, and the stream stays in step")
    void infoLengths() throws Exception {
        point(4);
        byte[] good = RawNbd.infoRequest(peer.exportName(), 1);
        byte[] nameTooLong = good.clone();
        ByteBuffer.wrap(nameTooLong).putInt(0, good.length);
        byte[] nameHuge = good.clone();
        ByteBuffer.wrap(nameHuge).putInt(0, -1);
        byte[] countTooLarge = good.clone();
        ByteBuffer.wrap(countTooLarge).putShort(good.length - 4, (short) 9);
        try (RawNbd nbd = haggling()) {
            for (byte[] bad : List.of(nameTooLong, nameHuge, countTooLarge, new byte[0], new byte[5])) {
                for (NbdOption option : List.of(NbdOption.INFO, NbdOption.GO)) {
                    assertEquals(
                            RawNbd.ERR_INVALID,
                            last(nbd.option(option.code(), bad)).type());
                }
            }
            nbd.go(peer.exportName());
        }
    }

    @Test
    @DisplayName("5. names: 4096 bytes are legal, 4097 are not, a NUL or bad UTF-8 is refused and matches nothing")
    void names() throws Exception {
        point(5);
        try (RawNbd nbd = haggling()) {
            byte[] longest = new byte[4096];
            Arrays.fill(longest, (byte) 'x');
            assertEquals(
                    RawNbd.ERR_UNKNOWN,
                    last(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(longest)))
                            .type());
            assertTrue(last(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(new byte[] {'d', (byte) 0xff})))
                    .isError());
            String hidden = peer.exportName() + "\0junk";
            assertTrue(last(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(hidden)))
                    .isError());
            nbd.go(peer.exportName());
        }
        try (RawNbd nbd = haggling()) {
            byte[] tooLong = new byte[4097];
            Arrays.fill(tooLong, (byte) 'x');
            nbd.sendOption(NbdOption.INFO.code(), RawNbd.infoRequest(tooLong));
            boolean refused;
            try {
                refused = last(nbd.optionReplies()).isError();
            } catch (java.io.IOException closed) {
                refused = true;
            }
            assertTrue(refused);
        }
    }

    @Test
    @DisplayName("6. INFO and GO tell the same")
    void infoAndGoAgree() throws Exception {
        point(6);
        try (RawNbd nbd = haggling()) {
            nbd.negotiate(NbdReplyStyle.STRUCTURED);
            List<RawNbd.OptionReply> info =
                    nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(peer.exportName(), 1, 2));
            List<RawNbd.OptionReply> go = nbd.go(peer.exportName());
            assertEquals(info.size(), go.size());
            for (int i = 0; i < go.size(); i++) {
                assertEquals(info.get(i).type(), go.get(i).type());
                assertArrayEquals(info.get(i).payload(), go.get(i).payload());
            }
            assertEquals(ServerRig.DISK_BYTES, nbd.size);
        }
    }

    @Test
    @DisplayName("7. SEND_DF is offered only after structured replies")
    void dontFragmentNeedsChunks() throws Exception {
        point(7);
        try (RawNbd simple = transmitting(NbdReplyStyle.SIMPLE);
                RawNbd structured = transmitting(NbdReplyStyle.STRUCTURED)) {
            assertFalse(offers(simple, NbdTransmissionFlags.SEND_DF));
            assertTrue(offers(structured, NbdTransmissionFlags.SEND_DF));
        }
    }

    @Test
    @DisplayName("8. with structured replies a READ error is a structured error")
    void readErrorsAreChunks() throws Exception {
        point(8);
        try (RawNbd nbd = transmitting(NbdReplyStyle.STRUCTURED)) {
            RawNbd.Reply reply = nbd.read(nbd.size, 512);
            assertEquals(EINVAL, reply.error());
            assertFalse(reply.chunks().get(0).simple());
            assertEquals(0, nbd.read(0, 512).error());
        }
    }

    @Test
    @DisplayName("9. STARTTLS without TLS is refused, keeps what was negotiated, and what follows is an option")
    void startTlsWithoutTls() throws Exception {
        point(9);
        try (RawNbd nbd = haggling()) {
            nbd.negotiate(NbdReplyStyle.STRUCTURED);
            nbd.sendOption(NbdOption.STARTTLS.code());
            nbd.sendOption(NbdOption.LIST.code());
            assertTrue(last(nbd.optionReplies()).isError());
            assertEquals(NbdOption.LIST.code(), last(nbd.optionReplies()).option());
            nbd.go(peer.exportName());
            assertTrue(offers(nbd, NbdTransmissionFlags.SEND_DF));
        }
    }

    @Test
    @DisplayName("10. the payload of a refused WRITE is swallowed and the stream stays in step")
    void refusedPayload() throws Exception {
        point(10);
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            for (int length : new int[] {1, 4096, 1 << 20}) {
                assertNotEquals(
                        0,
                        nbd.write(0, nbd.size - 1 + (length == 1 ? 1 : 0), new byte[length])
                                .error());
            }
            byte[] data = pattern(4096, 10);
            assertEquals(0, nbd.write(0, 8192, data).error());
            assertArrayEquals(data, nbd.read(8192, 4096).data());
        }
    }

    @Test
    @DisplayName("11. bounds are unsigned 64-bit: ENOSPC for writes, EINVAL for the rest")
    void bounds() throws Exception {
        point(11);
        try (RawNbd nbd = withAllocation()) {
            long[] offsets = {nbd.size, nbd.size - 511, 1L << 62, Long.MIN_VALUE, -512, -1};
            for (long offset : offsets) {
                assertEquals(ENOSPC, nbd.write(0, offset, new byte[512]).error());
                assertEquals(
                        ENOSPC, nbd.ask(0, NbdCommand.WRITE_ZEROES, offset, 512).error());
                assertEquals(EINVAL, nbd.read(offset, 512).error());
                assertEquals(EINVAL, nbd.ask(0, NbdCommand.TRIM, offset, 512).error());
                if (offers(nbd, NbdTransmissionFlags.SEND_CACHE)) {
                    assertEquals(
                            EINVAL, nbd.ask(0, NbdCommand.CACHE, offset, 512).error());
                }
                assertEquals(
                        EINVAL, nbd.ask(0, NbdCommand.BLOCK_STATUS, offset, 512).error());
            }
            assertEquals(
                    ENOSPC, nbd.ask(0, NbdCommand.WRITE_ZEROES, 0, 0x8000_0000L).error());
            assertEquals(EINVAL, nbd.ask(0, NbdCommand.TRIM, 512, 0xffff_ffffL).error());
            assertEquals(0, nbd.read(nbd.size - 512, 512).error());
        }
    }

    @Test
    @DisplayName("12. error texts are short UTF-8 and repeat nothing of the client's")
    void errorTexts() throws Exception {
        point(12);
        byte[] name = {'z', 'q', 'j', (byte) 0xc3, 0x28, (byte) 0xff};
        try (RawNbd nbd = haggling()) {
            RawNbd.OptionReply reply = last(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(name)));
            assertTrue(reply.isError());
            assertGoodText(reply.payload());
            assertFalse(new String(reply.payload(), StandardCharsets.ISO_8859_1).contains("zqj"));
        }
        try (RawNbd nbd = transmitting(NbdReplyStyle.STRUCTURED)) {
            byte[] payload = nbd.read(nbd.size, 1).chunks().get(0).payload();
            assertGoodText(
                    Arrays.copyOfRange(payload, 6, 6 + ByteBuffer.wrap(payload).getShort(4)));
        }
    }

    private static void assertGoodText(byte[] text) throws CharacterCodingException {
        assertTrue(text.length <= 4096);
        String decoded = StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(text))
                .toString();
        assertEquals(-1, decoded.indexOf('\0'));
    }

    @Test
    @DisplayName("13. FUA is accepted on every command")
    void fuaEverywhere() throws Exception {
        point(13);
        try (RawNbd nbd = withAllocation()) {
            assertTrue(offers(nbd, NbdTransmissionFlags.SEND_FUA));
            assertEquals(0, nbd.write(1, 0, new byte[4096]).error());
            for (NbdCommand command :
                    List.of(NbdCommand.READ, NbdCommand.TRIM, NbdCommand.WRITE_ZEROES, NbdCommand.BLOCK_STATUS)) {
                assertEquals(0, nbd.ask(1, command, 0, 4096).error(), command.name());
            }
            assertEquals(0, nbd.ask(1, NbdCommand.FLUSH, 0, 0).error());
            if (offers(nbd, NbdTransmissionFlags.SEND_CACHE)) {
                assertEquals(0, nbd.ask(1, NbdCommand.CACHE, 0, 4096).error());
            }
        }
    }

    @Test
    @DisplayName("14. what was answered on one connection is seen on another, and its flush covers it")
    void multiConnection() throws Exception {
        point(14);
        try (RawNbd one = transmitting(NbdReplyStyle.STRUCTURED);
                RawNbd two = transmitting(NbdReplyStyle.STRUCTURED)) {
            assertTrue(offers(one, NbdTransmissionFlags.CAN_MULTI_CONN));
            for (int i = 0; i < 50; i++) {
                byte[] data = pattern(4096, i);
                assertEquals(0, one.write(0, i * 4096L, data).error());
                assertEquals(0, two.ask(0, NbdCommand.FLUSH, 0, 0).error());
                assertArrayEquals(data, two.read(i * 4096L, 4096).data());
            }
        }
    }

    @Test
    @DisplayName("15. WRITE_ZEROES reads back as zeroes over its whole length")
    void writeZeroes() throws Exception {
        point(15);
        try (RawNbd nbd = transmitting(NbdReplyStyle.STRUCTURED)) {
            int length = 24 << 20;
            for (int at = 0; at < length; at += 4 << 20) {
                assertEquals(0, nbd.write(0, at, pattern(4 << 20, at)).error());
            }
            assertEquals(
                    0, nbd.ask(0, NbdCommand.WRITE_ZEROES, 1000, length - 2000).error());
            byte[] back = nbd.read(0, length).data();
            assertArrayEquals(Arrays.copyOf(pattern(4 << 20, 0), 1000), Arrays.copyOf(back, 1000));
            assertArrayEquals(new byte[length - 2000], Arrays.copyOfRange(back, 1000, length - 1000));
            byte[] end = pattern(4 << 20, length - (4 << 20));
            assertArrayEquals(
                    Arrays.copyOfRange(end, end.length - 1000, end.length),
                    Arrays.copyOfRange(back, length - 1000, length));
        }
    }

    @Test
    @DisplayName("16. NO_HOLE leaves the stretch provisioned")
    void noHole() throws Exception {
        point(16);
        try (RawNbd nbd = withAllocation()) {
            assertEquals(0, nbd.write(0, 1 << 20, pattern(1 << 20, 16)).error());
            assertEquals(
                    0, nbd.ask(2, NbdCommand.WRITE_ZEROES, 1 << 20, 1 << 20).error());
            assertArrayEquals(new byte[1 << 20], nbd.read(1 << 20, 1 << 20).data());
            RawNbd.Reply status = nbd.ask(8, NbdCommand.BLOCK_STATUS, 1 << 20, 1 << 20);
            int state = ByteBuffer.wrap(status.chunks().get(0).payload()).getInt(8);
            assertEquals(0, state & 1, "a hole");
        }
    }

    @Test
    @DisplayName("17. FAST_ZERO: done, or ENOTSUP with the data untouched; without the flag never ENOTSUP")
    void fastZero() throws Exception {
        point(17);
        try (RawNbd nbd = transmitting(NbdReplyStyle.STRUCTURED)) {
            byte[] data = pattern(65536, 17);
            assertEquals(0, nbd.write(0, 0, data).error());
            int error = nbd.ask(16, NbdCommand.WRITE_ZEROES, 0, 65536).error();
            byte[] back = nbd.read(0, 65536).data();
            if (!offers(nbd, NbdTransmissionFlags.SEND_FAST_ZERO)) {
                assertEquals(EINVAL, error);
            } else if (error != 0) {
                assertEquals(95, error);
            }
            assertArrayEquals(error == 0 ? new byte[65536] : data, back);
            assertEquals(0, nbd.ask(0, NbdCommand.WRITE_ZEROES, 0, 65536).error());
        }
    }

    @Test
    @DisplayName("18. DF: at most one content chunk; 64 KiB must be served")
    void dontFragment() throws Exception {
        point(18);
        try (RawNbd nbd = withAllocation()) {
            // Data beside a hole, which a sparse-aware server likes to split.
            byte[] data = pattern(32768, 18);
            assertEquals(0, nbd.write(0, 0, data).error());
            RawNbd.Reply reply = nbd.ask(4, NbdCommand.READ, 0, 65536);
            assertEquals(0, reply.error());
            assertEquals(1, contentChunks(reply));
            assertArrayEquals(Arrays.copyOf(data, 65536), reply.data());
            RawNbd.Reply large = nbd.ask(4, NbdCommand.READ, 512, 5 << 20);
            assertTrue(large.error() == 75 ? contentChunks(large) == 0 : contentChunks(large) == 1);
        }
    }

    private static long contentChunks(RawNbd.Reply reply) {
        return reply.chunks().stream()
                .filter(chunk -> chunk.type() == NbdReplyType.OFFSET_DATA || chunk.type() == NbdReplyType.OFFSET_HOLE)
                .count();
    }

    @Test
    @DisplayName("19. zero-length commands do no harm, and no chunk carries zero bytes")
    void zeroLength() throws Exception {
        point(19);
        for (NbdReplyStyle style : List.of(NbdReplyStyle.SIMPLE, NbdReplyStyle.STRUCTURED)) {
            try (RawNbd nbd = transmitting(style)) {
                RawNbd.Reply read = nbd.read(0, 0);
                assertEquals(0, contentChunks(read));
                nbd.write(0, 0, new byte[0]);
                nbd.ask(0, NbdCommand.TRIM, 0, 0);
                nbd.ask(0, NbdCommand.WRITE_ZEROES, 0, 0);
                nbd.ask(0, NbdCommand.BLOCK_STATUS, 0, 0);
                assertEquals(0, nbd.read(0, 512).error());
            }
        }
    }

    @Test
    @DisplayName("20. BLOCK_STATUS: any length, unaligned, no extent of zero bytes, progress every time")
    void blockStatusLengths() throws Exception {
        point(20);
        try (RawNbd nbd = withAllocation()) {
            for (int i = 0; i < 20; i++) {
                assertEquals(0, nbd.write(0, 8192L * i, pattern(4096, i)).error());
            }
            long at = 1;
            while (at < nbd.size) {
                RawNbd.Reply reply = nbd.ask(0, NbdCommand.BLOCK_STATUS, at, nbd.size - at);
                assertEquals(0, reply.error());
                ByteBuffer payload = ByteBuffer.wrap(reply.chunks().get(0).payload());
                payload.getInt();
                assertTrue(payload.hasRemaining());
                while (payload.hasRemaining()) {
                    long length = payload.getInt() & 0xffff_ffffL;
                    payload.getInt();
                    assertNotEquals(0, length);
                    at += length;
                }
            }
        }
    }

    @Test
    @DisplayName("21. REQ_ONE: one extent, not beyond the request; otherwise only the last may reach the end")
    void requestOne() throws Exception {
        point(21);
        try (RawNbd nbd = withAllocation()) {
            for (int i = 0; i < 8; i++) {
                assertEquals(
                        0, nbd.write(0, (1L << 20) * i, pattern(1 << 19, i)).error());
            }
            for (long length : new long[] {1, 4096, 100_000, 1 << 20, nbd.size}) {
                RawNbd.Reply one = nbd.ask(8, NbdCommand.BLOCK_STATUS, 0, length);
                ByteBuffer payload = ByteBuffer.wrap(one.chunks().get(0).payload());
                assertEquals(12, payload.capacity());
                assertTrue((payload.getInt(4) & 0xffff_ffffL) <= length);
                RawNbd.Reply many = nbd.ask(0, NbdCommand.BLOCK_STATUS, 0, length);
                ByteBuffer extents = ByteBuffer.wrap(many.chunks().get(0).payload());
                long sum = 0;
                for (int i = 4; i < extents.capacity() - 8; i += 8) {
                    sum += extents.getInt(i) & 0xffff_ffffL;
                }
                assertTrue(sum < length);
            }
        }
    }

    @Test
    @DisplayName("22. SET_META_CONTEXT replaces the former set even when it fails; unknown queries select nothing")
    void metaContexts() throws Exception {
        point(22);
        int set = NbdOption.SET_META_CONTEXT.code();
        int list = NbdOption.LIST_META_CONTEXT.code();
        String export = peer.exportName();
        try (RawNbd nbd = haggling()) {
            nbd.negotiate(NbdReplyStyle.STRUCTURED);
            assertTrue(nbd.option(list, RawNbd.metaQuery(export)).size() > 1);
            assertEquals(2, nbd.option(list, RawNbd.metaQuery(export, "base:")).size());
            assertEquals(1, nbd.option(set, RawNbd.metaQuery(export, "base:")).size());
            assertEquals(
                    1,
                    nbd.option(set, RawNbd.metaQuery(export, "x-none:a", "base:nothing"))
                            .size());
            assertEquals(
                    2,
                    nbd.option(set, RawNbd.metaQuery(export, "base:allocation")).size());
            assertTrue(last(nbd.option(set, new byte[3])).isError());
            nbd.go(export);
            assertEquals(EINVAL, nbd.ask(0, NbdCommand.BLOCK_STATUS, 0, 512).error());
            assertEquals(0, nbd.read(0, 512).error());
        }
    }

    @Test
    @DisplayName("23. DISC: what is outstanding is finished, then the server closes")
    void disconnect() throws Exception {
        point(23);
        try (RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE)) {
            for (int i = 0; i < 8; i++) {
                nbd.send(0, NbdCommand.READ.code(), i, 4096L * i, 4096);
            }
            nbd.send(0, NbdCommand.DISC.code(), 99, 0, 0);
            for (int i = 0; i < 8; i++) {
                nbd.chunk(4096);
            }
            assertTrue(nbd.isClosedByServer());
        }
    }

    @Test
    @DisplayName("24. a client that vanishes with replies unsent costs only its own connection")
    void vanishingClient() throws Exception {
        point(24);
        try (RawNbd other = transmitting(NbdReplyStyle.SIMPLE)) {
            for (int round = 0; round < 20; round++) {
                RawNbd nbd = transmitting(NbdReplyStyle.SIMPLE);
                for (int i = 0; i < 16; i++) {
                    nbd.send(0, NbdCommand.READ.code(), i, 0, 1 << 20);
                }
                nbd.close();
            }
            assertEquals(0, other.read(0, 4096).error());
        }
        try (RawNbd late = transmitting(NbdReplyStyle.SIMPLE)) {
            assertEquals(0, late.read(0, 4096).error());
        }
    }

    @Test
    @DisplayName("25. 32 MiB in one request is not an attack")
    void largestPayload() throws Exception {
        point(25);
        for (NbdReplyStyle style : List.of(NbdReplyStyle.SIMPLE, NbdReplyStyle.STRUCTURED)) {
            try (RawNbd nbd = transmitting(style)) {
                byte[] data = pattern(32 << 20, 25);
                assertEquals(0, nbd.write(0, 0, data).error());
                assertArrayEquals(data, nbd.read(0, 32 << 20).data());
            }
        }
    }

    @Test
    @DisplayName("26. cookies are opaque and may repeat once answered")
    void cookies() throws Exception {
        point(26);
        try (RawNbd nbd = transmitting(NbdReplyStyle.STRUCTURED)) {
            for (long cookie : new long[] {0, -1, Long.MIN_VALUE, 0x0123456789abcdefL, 0, 0}) {
                nbd.send(0, NbdCommand.READ.code(), cookie, 0, 512);
                assertEquals(0, nbd.reply(cookie, 512).error());
            }
        }
    }

    @Test
    @DisplayName("27. only the error values of the specification are sent")
    void errorValues() throws Exception {
        point(27);
        try (RawNbd nbd = withAllocation()) {
            Random random = new Random(27);
            for (int i = 0; i < 300; i++) {
                int type = random.nextInt(12);
                if (type == NbdCommand.WRITE.code() || type == NbdCommand.DISC.code()) {
                    continue;
                }
                long length = 1 + random.nextInt(1 << 16);
                nbd.send(random.nextInt(64) & ~16, type, i, random.nextLong(), length);
                assertTrue(WIRE_ERRORS.contains(nbd.reply(i, length).error()));
            }
        }
    }

    @Test
    @DisplayName("28. a server without TLS never says ERR_TLS_REQD")
    void neverTlsRequired() throws Exception {
        point(28);
        for (int option = 0; option < 20; option++) {
            if (option == NbdOption.EXPORT_NAME.code()) {
                continue;
            }
            try (RawNbd nbd = haggling()) {
                for (RawNbd.OptionReply reply : nbd.option(option, RawNbd.infoRequest(peer.exportName()))) {
                    assertNotEquals(RawNbd.ERR_TLS_REQD, reply.type());
                }
            }
        }
    }
}
