package io.blockseal.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdError;
import io.blockseal.nbd.NbdMetaContext;
import io.blockseal.nbd.NbdReplyStyle;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plays the server by bytes: an answer is believed only if the protocol allows it. */
class TransmissionHandlerTest {
    private static final String C1 = "0000000000000001";
    private static final String C2 = "0000000000000002";
    private static final String C3 = "0000000000000003";
    private static final int FLAGS = 0x0d6d;

    private final EmbeddedChannel channel = new EmbeddedChannel(new ChannelInboundHandlerAdapter());
    private final byte[] read = new byte[8];
    private NbdSession session = session(NbdReplyStyle.STRUCTURED);
    private TransmissionHandler transmission = open(NbdClientOptions.DEFAULT);

    private static NbdSession session(NbdReplyStyle style) {
        return new NbdSession(
                style,
                1 << 20,
                FLAGS,
                NbdBlockSizes.DEFAULT,
                "disc",
                "",
                List.of(new NbdMetaContext(7, "base:allocation")));
    }

    private TransmissionHandler open(NbdClientOptions options) {
        TransmissionHandler handler = new TransmissionHandler(channel, session, options);
        channel.pipeline().removeFirst();
        channel.pipeline().addLast(handler);
        return handler;
    }

    private void reopen(NbdReplyStyle style) {
        session = session(style);
        transmission = open(NbdClientOptions.DEFAULT);
    }

    @AfterEach
    void end() {
        channel.finishAndReleaseAll();
    }

    private PendingRequest submit(PendingRequest request) {
        transmission.submit(List.of(request));
        return request;
    }

    /** A READ of 8 bytes at 0x100. */
    private PendingRequest submitRead(int flags) {
        return submit(new PendingRead(flags, 0x100, 8, Unpooled.wrappedBuffer(read), 0));
    }

    private PendingRequest submitFlush() {
        return submit(new PendingRequest(NbdCommand.FLUSH, 0, 0, 0, null));
    }

    private PendingStatus submitStatus(int flags) {
        PendingStatus status = new PendingStatus(flags, 0, 4096, session);
        submit(status);
        return status;
    }

    private void server(String hexFields) {
        channel.writeInbound(Unpooled.copiedBuffer(ByteBufUtil.decodeHexDump(hexFields.replace(" ", ""))));
    }

    private String sent() {
        StringBuilder sent = new StringBuilder();
        for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            sent.append(ByteBufUtil.hexDump(part));
            part.release();
        }
        return sent.toString();
    }

    private static void succeeded(PendingRequest request) throws Exception {
        request.done().get(0, TimeUnit.SECONDS);
    }

    private static Throwable failure(PendingRequest request) {
        ExecutionException failed =
                assertThrows(ExecutionException.class, () -> request.done().get(0, TimeUnit.SECONDS));
        Throwable cause = failed.getCause();
        assertNotNull(cause);
        return cause;
    }

    private void connectionFailed(PendingRequest request) {
        assertInstanceOf(NbdProtocolException.class, failure(request));
        assertFalse(channel.isOpen());
        assertTrue(transmission.ended().isCompletedExceptionally());
    }

    private void readIs(int... bytes) {
        byte[] expected = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            expected[i] = (byte) bytes[i];
        }
        assertArrayEquals(expected, read);
    }

    @Nested
    class Requests {
        @Test
        void compactReadAndWrite() {
            submitRead(NbdCommandFlags.DF);
            assertEquals("2560951300040000" + C1 + "0000000000000100" + "00000008", sent());
            submit(new PendingRequest(NbdCommand.WRITE, NbdCommandFlags.FUA, 512, 2, Unpooled.copyShort(0xabcd)));
            assertEquals("2560951300010001" + C2 + "0000000000000200" + "00000002" + "abcd", sent());
        }

        @Test
        void extendedWritesSayThatTheyHaveAPayload() {
            reopen(NbdReplyStyle.EXTENDED);
            submit(new PendingRequest(NbdCommand.WRITE, NbdCommandFlags.FUA, 512, 2, Unpooled.copyShort(0xabcd)));
            assertEquals("21e41c7100210001" + C1 + "0000000000000200" + "0000000000000002" + "abcd", sent());
            submit(new PendingRequest(NbdCommand.TRIM, 0, 0, 1L << 40, null));
            assertEquals("21e41c7100000004" + C2 + "0000000000000000" + "0000010000000000", sent());
        }

        @Test
        void noMoreAreOnTheWireThanAllowedAndAnAnswerMakesRoom() throws Exception {
            transmission = open(NbdClientOptions.builder().maxInFlight(2).build());
            PendingRequest first = submitFlush();
            submitFlush();
            PendingRequest third = submitFlush();
            assertEquals(2 * 28 * 2, sent().length());
            server("67446698 00000000" + C2);
            assertEquals("2560951300000003" + C3 + "0000000000000000" + "00000000", sent());
            server("67446698 00000000" + C3 + "67446698 00000000" + C1);
            succeeded(first);
            succeeded(third);
        }

        @Test
        void bytesInFlightAreBoundedButOneRequestAlwaysGoes() {
            transmission = open(NbdClientOptions.builder().maxInFlightBytes(4).build());
            submitRead(0);
            assertEquals(28 * 2, sent().length());
            submitRead(0);
            assertEquals("", sent());
            submitFlush();
            assertEquals("", sent(), "no request overtakes one that waits");
        }

        @Test
        void whatWouldWaitTooLongInLineFailsAtOnce() {
            transmission =
                    open(NbdClientOptions.builder().maxInFlight(1).maxWaiting(1).build());
            submitFlush();
            submitFlush();
            assertInstanceOf(IllegalStateException.class, failure(submitFlush()));
            assertTrue(channel.isOpen());
        }
    }

    @Nested
    class SimpleReplies {
        SimpleReplies() {
            reopen(NbdReplyStyle.SIMPLE);
        }

        @Test
        void comeOutOfOrderAndByteByByte() throws Exception {
            PendingRequest one = submitRead(0);
            PendingRequest two = submitFlush();
            String all = "67446698 00000000" + C2 + "67446698 00000000" + C1 + "0102030405060708";
            for (byte each : ByteBufUtil.decodeHexDump(all.replace(" ", ""))) {
                assertFalse(one.done().isDone());
                channel.writeInbound(Unpooled.buffer(1).writeByte(each));
            }
            succeeded(one);
            succeeded(two);
            readIs(1, 2, 3, 4, 5, 6, 7, 8);
        }

        @Test
        void anErrorHasNoData() throws Exception {
            PendingRequest one = submitRead(0);
            PendingRequest two = submitFlush();
            server("67446698 0000001c" + C1 + "67446698 00000000" + C2);
            NbdCommandException error = assertInstanceOf(NbdCommandException.class, failure(one));
            assertEquals(NbdError.ENOSPC, error.error());
            assertEquals("READ failed: ENOSPC", error.getMessage());
            succeeded(two);
            assertTrue(channel.isOpen());
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "67446699 00000000" + C1,
                    "67446698 00000000" + C2,
                    "67446698 00000000 ffffffffffffffff",
                    "668e33ef 0001 0000" + C1 + "00000000",
                    "6e8a278c 0001 0000" + C1 + "0000000000000000 0000000000000000"
                })
        void otherMagicNumbersAndCookiesEndTheConnection(String bytes) {
            PendingRequest flush = submitFlush();
            server(bytes);
            connectionFailed(flush);
        }

        @Test
        void aSecondAnswerEndsTheConnection() throws Exception {
            PendingRequest one = submitFlush();
            PendingRequest two = submitFlush();
            server("67446698 00000000" + C1 + "67446698 00000000" + C1);
            succeeded(one);
            connectionFailed(two);
        }
    }

    @Nested
    class Chunks {
        @Test
        void areReassembledInAnyOrder() throws Exception {
            PendingRequest request = submitRead(0);
            server("668e33ef 0000 0002" + C1 + "0000000c 0000000000000104 00000004");
            server("668e33ef 0000 0001" + C1 + "0000000a 0000000000000102 0304");
            server("668e33ef 0000 0001" + C1 + "0000000a 0000000000000100 0102");
            assertFalse(request.done().isDone());
            server("668e33ef 0001 0000" + C1 + "00000000");
            succeeded(request);
            readIs(1, 2, 3, 4, 0, 0, 0, 0);
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    // outside the request: before, behind, across its end, and by an offset that wraps
                    "0001 0001" + C1 + "00000009 00000000000000ff 01",
                    "0001 0001" + C1 + "00000009 0000000000000108 01",
                    "0001 0001" + C1 + "0000000a 0000000000000107 0101",
                    "0001 0001" + C1 + "00000009 ffffffffffffffff 01",
                    "0001 0002" + C1 + "0000000c 0000000000000101 00000008",
                    "0001 0002" + C1 + "0000000c 0000000000000100 ffffffff",
                    // empty or of a wrong length
                    "0001 0001" + C1 + "00000008 0000000000000100",
                    "0001 0001" + C1 + "00000011 0000000000000100 00",
                    "0001 0001" + C1 + "ffffffff 0000000000000100 00",
                    "0001 0002" + C1 + "0000000c 0000000000000100 00000000",
                    "0001 0002" + C1 + "0000000d 0000000000000100 00000001 00",
                    "0001 0000" + C1 + "00000001 00",
                    // an empty chunk that is not the last; success with parts missing
                    "0000 0000" + C1 + "00000000",
                    "0001 0000" + C1 + "00000000",
                    "0001 0001" + C1 + "0000000f 0000000000000100 01020304050607",
                    // types that do not belong here
                    "0001 0005" + C1 + "0000000c 00000007 00001000 00000000",
                    "0001 0006" + C1 + "00000018 00000007 00000001 0000000000001000 0000000000000000",
                    "0001 0003" + C1 + "00000000",
                    // errors: none, a text longer than its chunk, a place outside, cut short
                    "0001 8001" + C1 + "00000006 00000000 0000",
                    "0001 8001" + C1 + "00000006 00000005 0001",
                    "0001 8002" + C1 + "0000000e 00000005 0001 0000000000000100",
                    "0001 8002" + C1 + "0000000e 00000005 0000 0000000000000108",
                    "0001 8002" + C1 + "0000000e 00000000 0000 0000000000000100",
                    "0001 8001" + C1 + "00000005 00000005 00",
                    "0001 8abc" + C1 + "7fffffff 00000005 0000"
                })
        void thatTheProtocolForbidsEndTheConnection(String chunk) {
            PendingRequest request = submitRead(0);
            server("668e33ef" + chunk);
            connectionFailed(request);
        }

        @Test
        void mustNotOverlap() {
            PendingRequest request = submitRead(0);
            server("668e33ef 0000 0001" + C1 + "0000000c 0000000000000102 01020304");
            server("668e33ef 0000 0002" + C1 + "0000000c 0000000000000105 00000001");
            connectionFailed(request);
        }

        @Test
        void areAtMostOneWithDf() {
            PendingRequest request = submitRead(NbdCommandFlags.DF);
            server("668e33ef 0000 0001" + C1 + "0000000c 0000000000000100 01020304");
            server("668e33ef 0001 0001" + C1 + "0000000c 0000000000000104 01020304");
            connectionFailed(request);
        }

        @Test
        void aReadIsNeverAnsweredSimply() {
            PendingRequest request = submitRead(0);
            server("67446698 00000005" + C1);
            connectionFailed(request);
        }

        @Test
        void aWriteMayBeAnsweredSimplyButNotWithData() throws Exception {
            succeededBy("67446698 00000000" + C1);
            PendingRequest flush = submitFlush();
            server("668e33ef 0001 0001" + C2 + "00000009 0000000000000000 01");
            connectionFailed(flush);
        }

        private void succeededBy(String reply) throws Exception {
            PendingRequest flush = submitFlush();
            server(reply);
            succeeded(flush);
        }

        @Test
        void anErrorTellsItsTextAndPlaceAndTheFirstOneCounts() {
            PendingRequest request = submitRead(0);
            server("668e33ef 0000 0001" + C1 + "0000000c 0000000000000100 01020304");
            server("668e33ef 0000 8002" + C1 + "00000011 00000005 0003" + "626164" + "0000000000000102");
            server("668e33ef 0001 8001" + C1 + "00000006 0000001c 0000");
            NbdCommandException error = assertInstanceOf(NbdCommandException.class, failure(request));
            assertEquals(NbdError.EIO, error.error());
            assertEquals("bad", error.serverText());
            assertEquals(0x102, error.errorOffset().orElseThrow());
            assertTrue(channel.isOpen());
        }

        @Test
        void anUnknownErrorTypeOrNumberIsStillAnError() {
            PendingRequest request = submitRead(0);
            server("668e33ef 0001 8abc" + C1 + "00000009 00001267 0002 ffff 00");
            NbdCommandException error = assertInstanceOf(NbdCommandException.class, failure(request));
            assertEquals(NbdError.EINVAL, error.error());
            assertEquals("", error.serverText(), "a text that is not UTF-8 is left out");
            assertTrue(channel.isOpen());
        }

        @Test
        void anExtendedChunkMustRepeatTheOffset() throws Exception {
            reopen(NbdReplyStyle.EXTENDED);
            PendingRequest good = submitRead(0);
            server("6e8a278c 0001 0002" + C1 + "0000000000000100 000000000000000c 0000000000000100 00000008");
            succeeded(good);
            PendingRequest bad = submitRead(0);
            server("6e8a278c 0001 0002" + C2 + "0000000000000000 000000000000000c 0000000000000100 00000008");
            connectionFailed(bad);
        }
    }

    @Nested
    class BlockStatus {
        private void answer(String payload) {
            String plain = payload.replace(" ", "");
            server("668e33ef 0001 0005" + C1 + String.format("%08x", plain.length() / 2) + plain);
        }

        @Test
        void mayEndBehindTheRequest() throws Exception {
            PendingStatus status = submitStatus(0);
            answer("00000007 00000200 00000003 ffffffff 00000000");
            succeeded(status);
            assertEquals(
                    Map.of("base:allocation", List.of(new NbdExtent(512, 3), new NbdExtent(0xffffffffL, 0))),
                    status.extentsByContext());
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "00000008 00001000 00000000",
                    "00000007",
                    "00000007 00000000 00000000",
                    "00000007 00001000 00000000 00001000 00000003",
                    "00000007 00001000 00000000 00"
                })
        void thatTheProtocolForbidsEndsTheConnection(String payload) {
            PendingStatus status = submitStatus(0);
            answer(payload);
            connectionFailed(status);
        }

        @ParameterizedTest
        @ValueSource(strings = {"00000007 00001001 00000000", "00000007 00000200 00000000 00000200 00000003"})
        void reqOneIsKept(String payload) {
            PendingStatus status = submitStatus(NbdCommandFlags.REQ_ONE);
            answer(payload);
            connectionFailed(status);
        }

        @Test
        void successNeedsEveryContext() {
            PendingStatus status = submitStatus(0);
            server("668e33ef 0001 0000" + C1 + "00000000");
            connectionFailed(status);
        }

        @Test
        void extendedExtentsAreCounted() throws Exception {
            reopen(NbdReplyStyle.EXTENDED);
            PendingStatus good = submitStatus(0);
            String head = "0000000000000000 0000000000000018 00000007";
            server("6e8a278c 0001 0006" + C1 + head + "00000001 0000010000000000 0000000000000003");
            succeeded(good);
            assertEquals(Map.of("base:allocation", List.of(new NbdExtent(1L << 40, 3))), good.extentsByContext());
            PendingStatus bad = submitStatus(0);
            server("6e8a278c 0001 0006" + C2 + head + "00000002 0000010000000000 0000000000000003");
            connectionFailed(bad);
        }
    }

    @Nested
    class Ends {
        @Test
        void goodByeComesAfterTheLastAnswer() throws Exception {
            PendingRequest flush = submitFlush();
            sent();
            transmission.leave();
            assertEquals("", sent());
            assertInstanceOf(NbdDisconnectedException.class, failure(submitFlush()));
            server("67446698 00000000" + C1);
            succeeded(flush);
            assertEquals("2560951300000002" + "0".repeat(40), sent());
            assertFalse(transmission.ended().isDone());
            channel.close();
            transmission.ended().get(0, TimeUnit.SECONDS);
        }

        @Test
        void aServerThatNeverClosesIsNotWaitedForForEver() throws Exception {
            transmission.leave();
            channel.advanceTimeBy(5_001, TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
            assertFalse(channel.isOpen());
            transmission.ended().get(0, TimeUnit.SECONDS);
        }

        @Test
        void everyRequestOfALostConnectionFailsOnce() {
            transmission = open(NbdClientOptions.builder().maxInFlight(1).build());
            ByteBuf payload = Unpooled.copyShort(0xabcd);
            PendingRequest onTheWire = submitRead(0);
            PendingRequest waiting = submit(new PendingRequest(NbdCommand.WRITE, 0, 0, 2, payload));
            channel.close();
            assertInstanceOf(NbdDisconnectedException.class, failure(onTheWire));
            assertInstanceOf(NbdDisconnectedException.class, failure(waiting));
            assertEquals(0, payload.refCnt(), "what was not sent is released");
        }

        @Test
        void aServerThatShutsDownIsLeftPolitely() {
            PendingRequest one = submitFlush();
            PendingRequest two = submitFlush();
            sent();
            server("67446698 0000006c" + C1);
            assertEquals(NbdError.ESHUTDOWN, ((NbdCommandException) failure(one)).error());
            assertEquals("", sent());
            server("67446698 0000006c" + C2);
            assertInstanceOf(NbdCommandException.class, failure(two));
            assertEquals("2560951300000002" + "0".repeat(40), sent());
        }
    }
}
