package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.OptionReply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.provider.ValueSource;

/** STARTTLS, of servers that insist on it (FORCEDTLS) and of servers that do not (SELECTIVETLS). */
@ParameterizedClass(name = "{0}", autoCloseArguments = false)
@ArgumentsSource(TlsPeers.class)
class TlsMustsTest extends NbdMusts {
    @Parameter(1)
    boolean insists;

    @Parameter(2)
    SSLContext client;

    private RawNbd secured(String... versions) throws Exception {
        RawNbd nbd = haggling();
        nbd.startTls(client, versions);
        return nbd;
    }

    /** TLS says that it is over, and then the connection is. */
    private static void assertEndsInOrder(RawNbd nbd, RecordTap tap) throws IOException {
        assertEquals(-1, nbd.in.read());
        assertTrue(tap.endedWithAnAlert(), () -> "TLS was cut off behind " + tap);
    }

    @Test
    @Section("FORCEDTLS mode")
    void nothingIsAnsweredBeforeTls() throws Exception {
        assumeTrue(insists, "it does not insist");
        try (RawNbd nbd = haggling()) {
            List<byte[]> payloads = List.of(RawNbd.infoRequest(peer.exportName(), 1), new byte[0], new byte[4096]);
            for (int option = 2; option < 20; option++) {
                if (option == NbdOption.STARTTLS.code() || option == NbdOption.ABORT.code()) {
                    continue;
                }
                boolean names = option == NbdOption.INFO.code() || option == NbdOption.GO.code();
                byte[] payload = payloads.get(names ? 0 : option % payloads.size());
                assertEquals(
                        RawNbd.ERR_TLS_REQD, only(nbd.option(option, payload)).type(), "option " + option);
            }
            assertEquals(
                    RawNbd.ERR_TLS_REQD,
                    only(nbd.option(0x7abc, new byte[1000])).type());
            nbd.startTls(client);
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("FORCEDTLS mode")
    void exportNameBeforeTlsEndsTheSession() throws Exception {
        assumeTrue(insists, "it does not insist");
        for (int flags : new int[] {3, 0}) {
            try (RawNbd nbd = RawNbd.connect(peer.address())) {
                nbd.greet(flags);
                nbd.sendOption(NbdOption.EXPORT_NAME.code(), peer.exportName().getBytes(StandardCharsets.UTF_8));
                assertTrue(nbd.isClosedByServer());
            }
        }
    }

    @Test
    @Section("NBD_OPT_ABORT")
    void abortNeedsNoTls() throws Exception {
        try (RawNbd nbd = haggling()) {
            assertEquals(RawNbd.ACK, only(nbd.option(NbdOption.ABORT.code())).type());
            assertTrue(nbd.isClosedByServer());
        }
    }

    @Test
    @Section("TLS support")
    void aClientThatIsNotFixedIsNotToldOfTls() throws Exception {
        try (RawNbd nbd = RawNbd.connect(peer.address())) {
            nbd.greet(0);
            nbd.sendOption(NbdOption.LIST.code());
            try {
                for (OptionReply reply : nbd.optionReplies()) {
                    assertNotEquals(RawNbd.ERR_TLS_REQD, reply.type());
                }
            } catch (IOException closed) {
                // It need not be answered: this client has EXPORT_NAME and nothing else.
                assertTrue(nbd.isClosedByServer());
            }
        }
    }

    @Test
    @Section("SELECTIVETLS mode")
    void whereItIsOptionalNobodyIsSentToItForAnExportThatDoesNotNeedIt() throws Exception {
        assumeFalse(insists, "it insists");
        try (RawNbd nbd = haggling()) {
            for (int option = 2; option < 20; option++) {
                NbdOption known = NbdOption.of(option);
                if (known == NbdOption.ABORT || known == NbdOption.STARTTLS || known == NbdOption.GO) {
                    continue;
                }
                for (OptionReply reply : nbd.option(option, RawNbd.infoRequest(peer.exportName()))) {
                    assertNotEquals(RawNbd.ERR_TLS_REQD, reply.type(), "option " + option);
                }
            }
            nbd.go(peer.exportName());
        }
    }

    @Test
    @Section("NBD_OPT_STARTTLS")
    void aPayloadIsRefusedAndNothingBegins() throws Exception {
        try (RawNbd nbd = haggling()) {
            assertInvalid(nbd.option(NbdOption.STARTTLS.code(), new byte[3]));
            nbd.startTls(client);
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("FORCEDTLS mode")
    void withinTlsItIsInvalidAndNobodyIsSentToIt() throws Exception {
        try (RawNbd nbd = secured()) {
            assertInvalid(nbd.option(NbdOption.STARTTLS.code()));
            for (int option = 2; option < 20; option++) {
                NbdOption known = NbdOption.of(option);
                if (known == NbdOption.ABORT || known == NbdOption.GO) {
                    continue;
                }
                for (OptionReply reply : nbd.option(option, RawNbd.infoRequest("nothing"))) {
                    assertNotEquals(RawNbd.ERR_TLS_REQD, reply.type(), "option " + option);
                }
            }
            nbd.go(peer.exportName());
        }
    }

    /** Somebody between client and server could have put it there (CVE-2021-3716). */
    @EachStyle(chunked = true)
    @Section("NBD_OPT_STARTTLS")
    void whatWasAgreedOnBeforeIsForgotten(NbdReplyStyle style) throws Exception {
        assumeFalse(insists, "it agrees on nothing before");
        try (RawNbd nbd = haggling(style)) {
            byte[] query = RawNbd.metaQuery(peer.exportName(), ContextMustsTest.ALLOCATION);
            assertEquals(2, nbd.option(NbdOption.SET_META_CONTEXT.code(), query).size());
            nbd.startTls(client);
            nbd.style = NbdReplyStyle.SIMPLE;
            nbd.go(peer.exportName());
            assertFalse(offers(nbd, NbdTransmissionFlags.SEND_DF));
            assertInStep(nbd);
        }
        try (RawNbd nbd = haggling(style)) {
            byte[] query = RawNbd.metaQuery(peer.exportName(), ContextMustsTest.ALLOCATION);
            nbd.option(NbdOption.SET_META_CONTEXT.code(), query);
            nbd.startTls(client);
            nbd.negotiate(style);
            nbd.go(peer.exportName());
            assertEquals(EINVAL, ask(nbd, 0, NbdCommand.BLOCK_STATUS, 0, 512).error(), "nor is the context there");
            assertInStep(nbd);
        }
    }

    @Test
    @Section("FORCEDTLS mode")
    void afterTheAnswerNothingIsTakenInTheClear() throws Exception {
        try (RawNbd nbd = haggling()) {
            assertEquals(RawNbd.ACK, only(nbd.option(NbdOption.STARTTLS.code())).type());
            nbd.sendOption(NbdOption.GO.code(), RawNbd.infoRequest(peer.exportName(), 1));
            assertEndsWithAnAlertAtMost(nbd);
        }
    }

    private static void assertEndsWithAnAlertAtMost(RawNbd nbd) {
        byte[] rest;
        try {
            rest = nbd.in.readAllBytes();
        } catch (IOException reset) {
            rest = new byte[0];
        }
        assertTrue(rest.length == 0 || rest[0] == 21, "neither nothing nor an alert");
    }

    @Test
    @Section("FORCEDTLS mode")
    void aHandshakeThatFailsEndsTheSession() throws Exception {
        try (RawNbd nbd = haggling()) {
            assertEquals(RawNbd.ACK, only(nbd.option(NbdOption.STARTTLS.code())).type());
            // A record of TLS with a hello in which there is nothing.
            nbd.out.write(new byte[] {22, 3, 1, 0, 4, 1, 0, 0, 0});
            nbd.out.flush();
            assertEndsWithAnAlertAtMost(nbd);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    @Section("TLS versions")
    void bothVersionsAreSpoken(String version) throws Exception {
        try (RawNbd nbd = secured(version)) {
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    @Section("NBD_CMD_DISC")
    void discEndsTlsBeforeTheConnection(String version) throws Exception {
        try (RawNbd nbd = haggling()) {
            RecordTap tap = new RecordTap(nbd.channel.socket());
            nbd.startTls(client, tap, version);
            nbd.go(peer.exportName());
            nbd.send(0, NbdCommand.READ.code(), 1, 0, 4096);
            nbd.send(0, NbdCommand.DISC.code(), 2, 0, 0);
            assertEquals(0, nbd.reply(1, 4096).error());
            assertEndsInOrder(nbd, tap);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    @Section("NBD_OPT_ABORT")
    void abortEndsTlsBeforeTheConnection(String version) throws Exception {
        try (RawNbd nbd = haggling()) {
            RecordTap tap = new RecordTap(nbd.channel.socket());
            nbd.startTls(client, tap, version);
            assertEquals(RawNbd.ACK, only(nbd.option(NbdOption.ABORT.code())).type());
            assertEndsInOrder(nbd, tap);
        }
    }
}
