package io.blockseal.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdMetaContext;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdOptionReply;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdServerEntry;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plays the server by bytes as the specification has them, and sees what the client answers and believes. */
class HandshakeHandlerTest {
    private static final String GREETING = "4e42444d41474943 49484156454f5054";
    private static final String REPLY = "0003e889045565a9";
    private static final String UNSUP = "80000001";
    private static final String ACK = "00000001";

    private final NbdClientOptions.Builder options = NbdClientOptions.builder();
    private HandshakeHandler handshake = newHandshake(HandshakeHandler.Purpose.OPEN);
    private EmbeddedChannel channel = new EmbeddedChannel();

    private HandshakeHandler newHandshake(HandshakeHandler.Purpose purpose) {
        return new HandshakeHandler(purpose, "disc", options.build());
    }

    @BeforeEach
    void begin() {
        begin(HandshakeHandler.Purpose.OPEN);
    }

    private void begin(HandshakeHandler.Purpose purpose) {
        channel.finishAndReleaseAll();
        handshake = newHandshake(purpose);
        channel = new EmbeddedChannel(handshake);
    }

    @AfterEach
    void end() {
        channel.finishAndReleaseAll();
    }

    private void server(String hexFields) {
        channel.writeInbound(Unpooled.copiedBuffer(ByteBufUtil.decodeHexDump(hexFields.replace(" ", ""))));
    }

    private void clientSent(String hexFields) {
        StringBuilder sent = new StringBuilder();
        for (ByteBuf part = channel.readOutbound(); part != null; part = channel.readOutbound()) {
            sent.append(ByteBufUtil.hexDump(part));
            part.release();
        }
        assertEquals(hexFields.replace(" ", ""), sent.toString());
    }

    private static String ask(NbdOption option, String payload) {
        String plain = payload.replace(" ", "");
        return "49484156454f5054" + String.format("%08x%08x", option.code(), plain.length() / 2) + plain;
    }

    private static String reply(NbdOption option, String type, String payload) {
        String plain = payload.replace(" ", "");
        return REPLY + String.format("%08x", option.code()) + type + String.format("%08x", plain.length() / 2) + plain;
    }

    private static String hex(String ascii) {
        return ByteBufUtil.hexDump(ascii.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    private static final String SET_CONTEXT =
            ask(NbdOption.SET_META_CONTEXT, "00000004" + hex("disc") + "00000001 0000000f" + hex("base:allocation"));
    private static final String GO = ask(NbdOption.GO, "00000004" + hex("disc") + "0003 0001 0002 0003");
    private static final String INFO_EXPORT = reply(NbdOption.GO, "00000003", "0000 0000000000100000 0d6d");

    private NbdSession session() throws Exception {
        return handshake.outcome().get(0, TimeUnit.SECONDS).session();
    }

    private Throwable failure() {
        ExecutionException failed =
                assertThrows(ExecutionException.class, () -> handshake.outcome().get(0, TimeUnit.SECONDS));
        Throwable cause = failed.getCause();
        assertNotNull(cause);
        return cause;
    }

    private void haggleUntilGo() {
        server(GREETING + "0003");
        server(reply(NbdOption.EXTENDED_HEADERS, UNSUP, ""));
        server(reply(NbdOption.STRUCTURED_REPLY, UNSUP, ""));
        channel.releaseOutbound();
    }

    @Nested
    class Opening {
        @Test
        void takesTheBestThatTheServerHas() throws Exception {
            server(GREETING + "0003");
            clientSent("00000003" + ask(NbdOption.EXTENDED_HEADERS, ""));
            server(reply(NbdOption.EXTENDED_HEADERS, ACK, ""));
            clientSent(SET_CONTEXT);
            server(reply(NbdOption.SET_META_CONTEXT, "00000004", "00000007" + hex("base:allocation")));
            server(reply(NbdOption.SET_META_CONTEXT, ACK, ""));
            clientSent(GO);
            server(INFO_EXPORT
                    + reply(NbdOption.GO, "00000003", "0003 00000200 00001000 02000000")
                    + reply(NbdOption.GO, "00000003", "0001" + hex("Disc"))
                    + reply(NbdOption.GO, "00000003", "0002" + hex("a disc"))
                    + reply(NbdOption.GO, "00000003", "4711" + hex("unheard of"))
                    + reply(NbdOption.GO, ACK, ""));
            assertEquals(
                    new NbdSession(
                            NbdReplyStyle.EXTENDED,
                            1 << 20,
                            0x0d6d,
                            new NbdBlockSizes(512, 4096, 32 << 20),
                            "Disc",
                            "a disc",
                            List.of(new NbdMetaContext(7, "base:allocation"))),
                    session());
            assertNull(channel.pipeline().get(HandshakeHandler.class));
            assertNotNull(channel.pipeline().get(TransmissionHandler.class));
        }

        @Test
        void fallsBackStepByStep() throws Exception {
            server(GREETING + "0003");
            clientSent("00000003" + ask(NbdOption.EXTENDED_HEADERS, ""));
            server(reply(NbdOption.EXTENDED_HEADERS, UNSUP, hex("what?")));
            clientSent(ask(NbdOption.STRUCTURED_REPLY, ""));
            server(reply(NbdOption.STRUCTURED_REPLY, UNSUP, ""));
            clientSent(GO);
            server(reply(NbdOption.GO, UNSUP, ""));
            clientSent(ask(NbdOption.EXPORT_NAME, hex("disc")));
            server("0000000000100000 0001");
            assertEquals(NbdReplyStyle.SIMPLE, session().style());
            assertEquals(NbdBlockSizes.DEFAULT, session().blockSizes());
            assertEquals(1 << 20, session().sizeBytes());
        }

        @Test
        void contextsOfARefusedSelectionAreForgotten() throws Exception {
            server(GREETING + "0003");
            server(reply(NbdOption.EXTENDED_HEADERS, UNSUP, ""));
            server(reply(NbdOption.STRUCTURED_REPLY, ACK, ""));
            server(reply(NbdOption.SET_META_CONTEXT, "00000004", "00000007" + hex("base:allocation"))
                    + reply(NbdOption.SET_META_CONTEXT, "80000009", ""));
            server(INFO_EXPORT + reply(NbdOption.GO, ACK, ""));
            assertEquals(NbdReplyStyle.STRUCTURED, session().style());
            assertTrue(session().contexts().isEmpty());
        }

        @Test
        void understandsTheSameByteByByte() throws Exception {
            String all = GREETING + "0003" + reply(NbdOption.EXTENDED_HEADERS, UNSUP, hex("no"))
                    + reply(NbdOption.STRUCTURED_REPLY, ACK, "")
                    + reply(NbdOption.SET_META_CONTEXT, ACK, "") + INFO_EXPORT + reply(NbdOption.GO, ACK, "");
            for (byte each : ByteBufUtil.decodeHexDump(all.replace(" ", ""))) {
                assertFalse(handshake.outcome().isDone());
                channel.writeInbound(Unpooled.buffer(1).writeByte(each));
            }
            assertEquals(0x0d6d, session().transmissionFlags());
        }

        @Test
        void anOldServerIsOpenedByExportNameWithItsPadding() throws Exception {
            server(GREETING + "0000");
            clientSent("00000000" + ask(NbdOption.EXPORT_NAME, hex("disc")));
            server("0000000000100000 0001" + "00".repeat(123));
            assertFalse(handshake.outcome().isDone(), "one byte of padding is missing");
            server("00");
            assertEquals(1, session().transmissionFlags());
        }
    }

    @Nested
    class Refusals {
        @Test
        void aRefusedExportIsToldWithItsReasonAndEndsPolitely() {
            haggleUntilGo();
            server(reply(NbdOption.GO, "80000006", hex("no such disc")));
            clientSent(ask(NbdOption.ABORT, ""));
            server(reply(NbdOption.ABORT, ACK, ""));
            NbdRefusedException refused = assertInstanceOf(NbdRefusedException.class, failure());
            assertEquals("the server refused GO: ERR_UNKNOWN: no such disc", refused.getMessage());
            assertEquals(NbdOptionReply.ERR_UNKNOWN, refused.reason());
            assertFalse(channel.isOpen());
        }

        @Test
        void theReasonSurvivesAServerThatClosesOnAbort() {
            haggleUntilGo();
            server(reply(NbdOption.GO, "80000005", ""));
            channel.close();
            assertEquals("the server refused GO: ERR_TLS_REQD", failure().getMessage());
        }

        @Test
        void closingOnExportNameIsARefusal() {
            server(GREETING + "0000");
            channel.close();
            assertTrue(
                    failure().getMessage().contains("how it refuses an export"),
                    failure().getMessage());
        }

        @Test
        void aSilentServerIsGivenUp() {
            channel.advanceTimeBy(10_001, TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
            assertEquals("the handshake took too long", failure().getMessage());
            assertFalse(channel.isOpen());
        }
    }

    @Nested
    class Breaches {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "4e42444d41474944 49484156454f5054 0003",
                    "4e42444d41474943 0000420281861253 0003",
                    "5353482d322e302d 4f70656e5353485f 392e"
                })
        void inTheGreeting(String greeting) {
            server(greeting);
            assertInstanceOf(NbdProtocolException.class, failure());
            assertFalse(channel.isOpen());
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "0003e889045565aa 0000000b 00000001 00000000",
                    "0003e889045565a9 00000008 00000001 00000000",
                    "0003e889045565a9 0000000b 00000001 00010001",
                    "0003e889045565a9 0000000b 00000001 ffffffff",
                    "0003e889045565a9 0000000b 00000003 00000000",
                    "0003e889045565a9 0000000b 00000002 00000004 00000000"
                })
        void inAnOptionReply(String badReply) {
            server(GREETING + "0003");
            server(badReply);
            assertInstanceOf(NbdProtocolException.class, failure());
            assertFalse(channel.isOpen());
        }

        @Test
        void anExportWithoutASizeIsNotOpened() {
            haggleUntilGo();
            server(reply(NbdOption.GO, ACK, ""));
            assertInstanceOf(NbdProtocolException.class, failure());
        }

        @Test
        void twoContextsWithOneIdentifier() {
            server(GREETING + "0003");
            server(reply(NbdOption.EXTENDED_HEADERS, ACK, ""));
            server(reply(NbdOption.SET_META_CONTEXT, "00000004", "00000007" + hex("base:allocation"))
                    + reply(NbdOption.SET_META_CONTEXT, "00000004", "00000007" + hex("base:other")));
            assertInstanceOf(NbdProtocolException.class, failure());
        }
    }

    @Test
    void listingLeavesPolitely() throws Exception {
        begin(HandshakeHandler.Purpose.LIST);
        server(GREETING + "0003");
        clientSent("00000003" + ask(NbdOption.LIST, ""));
        server(reply(NbdOption.LIST, "00000002", "00000001" + hex("a") + hex("first"))
                + reply(NbdOption.LIST, "00000002", "00000000"));
        server(reply(NbdOption.LIST, ACK, ""));
        clientSent(ask(NbdOption.ABORT, ""));
        server(reply(NbdOption.ABORT, ACK, ""));
        assertEquals(
                List.of(new NbdServerEntry("a", "first"), new NbdServerEntry("", "")),
                handshake.outcome().get(0, TimeUnit.SECONDS).entries());
        assertFalse(channel.isOpen());
    }
}
