package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.OptionReply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Options and their answers as such: what is not known, what has no payload, ABORT, LIST, and STARTTLS without TLS. */
@AgainstAllPeers
class OptionMustsTest extends NbdMusts {
    private static final int SERVER = 2;

    @Test
    @Section("Baseline")
    void anUnknownOptionCostsExactlyItsPayload() throws Exception {
        try (RawNbd nbd = haggling()) {
            for (int length : new int[] {0, 1, 4096, 16384}) {
                assertEquals(
                        RawNbd.ERR_UNSUP,
                        only(nbd.option(0x7abc, pattern(length, length))).type());
            }
            assertEquals(
                    RawNbd.ERR_UNSUP,
                    only(nbd.option(NbdOption.PEEK_EXPORT.code())).type());
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 100})
    @Section("NBD_OPT_ABORT")
    void abortIsAcknowledgedWhateverComesWithIt(int length) throws Exception {
        try (RawNbd nbd = haggling()) {
            assertEquals(
                    RawNbd.ACK,
                    only(nbd.option(NbdOption.ABORT.code(), new byte[length])).type());
            assertTrue(nbd.isClosedByServer());
        }
    }

    @Test
    @Section("NBD_OPT_LIST")
    void listTellsEachExportAndThenAcknowledges() throws Exception {
        try (RawNbd nbd = haggling()) {
            List<OptionReply> replies = nbd.option(NbdOption.LIST.code());
            assertEquals(RawNbd.ACK, last(replies).type());
            boolean found = false;
            for (OptionReply reply : replies.subList(0, replies.size() - 1)) {
                assertEquals(SERVER, reply.type());
                ByteBuffer payload = ByteBuffer.wrap(reply.payload());
                byte[] name = new byte[payload.getInt()];
                payload.get(name);
                ReplyRules.assertGoodText(name);
                byte[] description = new byte[payload.remaining()];
                payload.get(description);
                ReplyRules.assertGoodText(description);
                found |= new String(name, StandardCharsets.UTF_8).equals(peer.exportName());
            }
            assertTrue(found);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"LIST", "STRUCTURED_REPLY", "EXTENDED_HEADERS"})
    @Section("Option types")
    void anOptionThatHasNoPayloadIsRefusedWithOne(NbdOption option) throws Exception {
        try (RawNbd nbd = haggling()) {
            int answer = only(nbd.option(option.code(), new byte[5])).type();
            boolean unknown = option == NbdOption.EXTENDED_HEADERS && !peer.speaks(NbdReplyStyle.EXTENDED);
            assertEquals(unknown ? RawNbd.ERR_UNSUP : RawNbd.ERR_INVALID, answer);
            nbd.go(peer.exportName());
            assertFalse(offers(nbd, NbdTransmissionFlags.SEND_DF), "nothing was agreed on");
            assertInStep(nbd);
        }
    }

    @Test
    @Section("NOTLS mode")
    void startTlsWithoutTlsIsRefusedAndChangesNothing() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            for (int length : new int[] {0, 3}) {
                OptionReply reply = only(nbd.option(NbdOption.STARTTLS.code(), new byte[length]));
                assertTrue(reply.isError());
                assertNotEquals(RawNbd.ERR_TLS_REQD, reply.type());
            }
            assertEquals(
                    RawNbd.ACK, last(nbd.option(NbdOption.LIST.code())).type(), "what follows is an option, not TLS");
            nbd.go(peer.exportName());
            assertTrue(offers(nbd, NbdTransmissionFlags.SEND_DF), "what was agreed on before");
            assertInStep(nbd);
        }
    }

    @Test
    @Section("NOTLS mode")
    void nobodyIsSentToTlsThatIsNotThere() throws Exception {
        for (int option = 2; option < 20; option++) {
            for (byte[] payload :
                    List.of(RawNbd.infoRequest(peer.exportName()), RawNbd.infoRequest("nothing"), new byte[0])) {
                try (RawNbd nbd = haggling()) {
                    for (OptionReply reply : nbd.option(option, payload)) {
                        assertNotEquals(RawNbd.ERR_TLS_REQD, reply.type());
                    }
                }
            }
        }
    }

    @Test
    @Section("Termination of the session during option haggling")
    void oneErrorAfterTheOtherIsNoReasonToHangUp() throws Exception {
        try (RawNbd nbd = haggling()) {
            for (int i = 0; i < 5; i++) {
                assertError(nbd.option(NbdOption.GO.code(), RawNbd.infoRequest("nothing")));
                assertError(nbd.option(NbdOption.STARTTLS.code()));
                assertError(nbd.option(NbdOption.LIST.code(), new byte[1]));
                assertError(nbd.option(0x7abc));
            }
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("Conventions")
    void errorTextsAreStrings() throws Exception {
        byte[] name = {'z', 'q', 'j', (byte) 0xc3, 0x28, (byte) 0xff};
        try (RawNbd nbd = haggling()) {
            for (List<OptionReply> replies : List.of(
                    nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest(name)),
                    nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest("nothing")),
                    nbd.option(NbdOption.STARTTLS.code()),
                    nbd.option(NbdOption.LIST.code(), new byte[1]),
                    nbd.option(0x7abc))) {
                assertError(replies);
                ReplyRules.assertGoodText(last(replies).payload());
            }
        }
    }

    @Test
    @Section("NBD_OPT_STRUCTURED_REPLY")
    void structuredRepliesMayBeAskedForAgain() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            int again = only(nbd.option(NbdOption.STRUCTURED_REPLY.code())).type();
            assertTrue(again == RawNbd.ACK || again == RawNbd.ERR_INVALID, "answer " + again);
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_EXTENDED_HEADERS")
    void extendedHeadersPrevailOverStructuredReplies() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.EXTENDED)) {
            assertEquals(
                    RawNbd.ERR_EXT_HEADER_REQD,
                    only(nbd.option(NbdOption.STRUCTURED_REPLY.code())).type());
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            nbd.negotiate(NbdReplyStyle.EXTENDED);
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_EXTENDED_HEADERS")
    void exportNameBehindExtendedHeadersIsNotServed() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.EXTENDED)) {
            nbd.sendOption(NbdOption.EXPORT_NAME.code(), peer.exportName().getBytes(StandardCharsets.UTF_8));
            assertTrue(nbd.isClosedByServer());
        }
    }
}
