package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.tls.RecordCipher;
import io.blockseal.export.ClientIdentity;
import io.blockseal.metrics.TlsFailure;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.tls.CertificateTls;
import io.blockseal.server.tls.Credentials;
import io.blockseal.server.tls.PresharedKeys;
import io.blockseal.server.tls.PskClient;
import io.blockseal.server.tls.PskMeans;
import io.blockseal.server.tls.TestAuthority;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsLibrary;
import io.blockseal.server.tls.TlsMode;
import io.netty.handler.ssl.SslHandler;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocket;
import org.bouncycastle.tls.TlsClientProtocol;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NBD within TLS, seen from the wire: what is served before, within and instead of it. */
@Timeout(60)
class TlsTest {
    @TempDir
    static Path folder;

    static TestAuthority authority;
    static TestAuthority.Pair server;
    static TestAuthority.Pair client;

    private final TlsFigures figures = new TlsFigures();
    private final BlockingQueue<ConnectionWatch.Visit> opened = new LinkedBlockingQueue<>();
    private final BlockingQueue<ConnectionWatch.Visit> closed = new LinkedBlockingQueue<>();
    private ServerRig rig;
    private NbdServer nbdServer;
    private TlsEndpoint endpoint;

    @BeforeAll
    static void certificates() throws Exception {
        authority = new TestAuthority(folder, "ours");
        server = authority.forServer();
        client = authority.issue("/O=Books/CN=db", "DNS:db.example.org,URI:spiffe://example.org/db", "clientAuth", 9);
    }

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
        endpoint = new TlsEndpoint(ours(List.of(), false), figures, ForkJoinPool.commonPool());
        begin(ServerOptions.DEFAULT);
    }

    private void begin(ServerOptions options) {
        nbdServer = new NbdServer(rig.loops, rig.exports, options, new ConnectionWatch() {
            @Override
            public void opened(Visit visit) {
                opened.add(visit);
            }

            @Override
            public void closed(Visit visit) {
                closed.add(visit);
            }
        });
    }

    @AfterEach
    void everythingIsBack() throws Exception {
        nbdServer.close();
        rig.assertEverythingIsBack();
        rig.close();
    }

    /** Who does it here. */
    TlsLibrary library() {
        return TlsLibrary.BORINGSSL;
    }

    private Credentials ours(List<X509Certificate> authorities, boolean required) throws Exception {
        return of(server, authorities, required);
    }

    private Credentials of(TestAuthority.Pair shown, List<X509Certificate> authorities, boolean required)
            throws Exception {
        return new Credentials(
                CertificateTls.of(library(), shown.chain(), shown.secret(), authorities, required), null);
    }

    private InetSocketAddress listen(TlsMode mode) throws IOException {
        return nbdServer.listenTcp(new InetSocketAddress("127.0.0.1", 0), new Protection(mode, endpoint));
    }

    private static SSLContext anybody() throws Exception {
        return authority.client(null);
    }

    private static RawNbd.OptionReply last(List<RawNbd.OptionReply> replies) {
        return replies.get(replies.size() - 1);
    }

    private void awaitFailure(TlsFailure reason) {
        while (figures.failures(reason) == 0) {
            for (TlsFailure other : TlsFailure.values()) {
                assertTrue(other == reason || figures.failures(other) == 0, () -> "failed as " + other);
            }
            Thread.onSpinWait();
        }
        assertEquals(1, figures.failures(reason));
    }

    private static byte[] random(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    @Nested
    class WhereItIsRequired {
        @Test
        void nothingElseIsAnsweredBeforeIt() throws Exception {
            InetSocketAddress address = listen(TlsMode.REQUIRED);
            try (RawNbd nbd = RawNbd.haggling(address)) {
                byte[] info = RawNbd.infoRequest("disk", 1);
                for (NbdOption option : NbdOption.values()) {
                    switch (option) {
                        case STARTTLS, ABORT, EXPORT_NAME -> {}
                        case INFO, GO -> assertTlsIsRequired(nbd.option(option.code(), info));
                        default -> {
                            assertTlsIsRequired(nbd.option(option.code()));
                            assertTlsIsRequired(nbd.option(option.code(), new byte[4096]));
                        }
                    }
                }
                assertTlsIsRequired(nbd.option(0x7abc, new byte[16384]));
                nbd.startTls(anybody());
                nbd.go("disk");
                assertEquals(0, nbd.read(0, 512).error());
            }
        }

        private void assertTlsIsRequired(List<RawNbd.OptionReply> replies) {
            assertEquals(1, replies.size());
            assertEquals(RawNbd.ERR_TLS_REQD, replies.get(0).type());
        }

        @Test
        void anExportNameClosesAndAbortIsAcknowledged() throws Exception {
            InetSocketAddress address = listen(TlsMode.REQUIRED);
            try (RawNbd nbd = RawNbd.haggling(address)) {
                nbd.sendOption(NbdOption.EXPORT_NAME.code(), "disk".getBytes("UTF-8"));
                assertTrue(nbd.isClosedByServer());
            }
            try (RawNbd nbd = RawNbd.haggling(address)) {
                assertEquals(
                        RawNbd.ACK, last(nbd.option(NbdOption.ABORT.code())).type());
                assertTrue(nbd.isClosedByServer());
            }
            try (RawNbd old = RawNbd.connect(address)) {
                old.greet(0);
                old.sendOption(NbdOption.EXPORT_NAME.code(), "disk".getBytes("UTF-8"));
                assertTrue(old.isClosedByServer());
            }
            assertEquals(0, rig.disk.channelsOpened.get());
        }

        @Test
        void nobodyIsAskedForItOnceItIsThere() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                nbd.startTls(anybody());
                assertEquals(
                        RawNbd.ERR_INVALID,
                        last(nbd.option(NbdOption.STARTTLS.code())).type());
                assertEquals(RawNbd.ERR_UNSUP, last(nbd.option(0x7abc)).type());
                assertEquals(
                        RawNbd.ERR_UNKNOWN,
                        last(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest("nothing", 1)))
                                .type());
                nbd.go("disk");
            }
        }
    }

    @Nested
    class WhereItIsOptional {
        @Test
        void whoDoesNotAskIsServedWithoutAndTheLogKnows() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.OPTIONAL))) {
                nbd.go("disk");
                assertEquals(0, nbd.read(0, 512).error());
            }
            ConnectionWatch.Visit visit = opened.take();
            assertEquals("none", visit.tls());
            assertEquals(ClientIdentity.ANONYMOUS, visit.client());
            assertEquals(visit, closed.take());
        }

        /** CVE-2021-3716: somebody between us could have put it there. */
        @Test
        void whatWasNegotiatedBeforeIsForgotten() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.OPTIONAL))) {
                nbd.negotiate(NbdReplyStyle.STRUCTURED);
                byte[] query = RawNbd.metaQuery("disk", "base:allocation");
                assertEquals(
                        RawNbd.ACK,
                        last(nbd.option(NbdOption.SET_META_CONTEXT.code(), query))
                                .type());
                nbd.startTls(anybody());
                assertEquals(
                        RawNbd.ERR_INVALID,
                        last(nbd.option(NbdOption.SET_META_CONTEXT.code(), query))
                                .type());
                nbd.style = NbdReplyStyle.SIMPLE;
                nbd.go("disk");
                assertEquals(0, nbd.transmissionFlags & NbdTransmissionFlags.SEND_DF);
                assertEquals(0, nbd.read(0, 4096).error());
            }
        }

        @Test
        void aRequestForItWithAPayloadIsRefusedAndNothingBegins() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.OPTIONAL))) {
                assertEquals(
                        RawNbd.ERR_INVALID,
                        last(nbd.option(NbdOption.STARTTLS.code(), new byte[3])).type());
                nbd.startTls(anybody());
                nbd.go("disk");
            }
        }
    }

    @Nested
    class SomebodyBetweenUs {
        @ParameterizedTest
        @EnumSource(
                value = TlsMode.class,
                names = {"OPTIONAL", "REQUIRED"})
        void cannotPutOptionsBehindStartTls(TlsMode mode) throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(mode))) {
                byte[] both = RawNbd.bytes(data -> {
                    data.writeLong(io.blockseal.nbd.NbdMagic.OPTION);
                    data.writeInt(NbdOption.STARTTLS.code());
                    data.writeInt(0);
                    data.writeLong(io.blockseal.nbd.NbdMagic.OPTION);
                    data.writeInt(NbdOption.STRUCTURED_REPLY.code());
                    data.writeInt(0);
                });
                nbd.out.write(both);
                nbd.out.flush();
                assertTrue(nbd.isClosedByServer(), "neither answered nor begun");
            }
            awaitFailure(TlsFailure.PLAINTEXT_BEHIND_STARTTLS);
        }

        @Test
        void cannotGoOnInTheClearAfterTheAnswer() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.OPTIONAL))) {
                nbd.option(NbdOption.STARTTLS.code());
                nbd.sendOption(NbdOption.GO.code(), RawNbd.infoRequest("disk", 1));
                awaitFailure(TlsFailure.NOT_TLS);
            }
            assertEquals(0, rig.disk.channelsOpened.get());
        }
    }

    @Nested
    class AClient {
        @ParameterizedTest
        @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
        void maySpeakEitherVersion(String version) throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                SSLSocket tls = nbd.startTls(anybody(), version);
                assertEquals(version, tls.getSession().getProtocol());
                assertTrue(tls.getSession().getCipherSuite().contains("GCM"));
                nbd.go("disk");
                byte[] data = random(new Random(7), 70_000);
                assertEquals(0, nbd.write(0, 4097, data).error());
                assertArrayEquals(data, nbd.read(4097, data.length).data());
                nbd.send(0, NbdCommand.DISC.code(), 0, 0, 0);
                assertTrue(nbd.isClosedByServer());
            }
            assertEquals(List.of(new TlsFigures.Secured(version, "none", 1)), figures.secured());
            assertEquals(version, opened.take().tls());
        }

        /** The JDK itself will not offer it any more, so the hello is written by hand. */
        @Test
        void mayNotSpeakTls11() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                nbd.option(NbdOption.STARTTLS.code());
                nbd.out.write(RawNbd.bytes(hello -> {
                    hello.write(new byte[] {22, 3, 1, 0, 51, 1, 0, 0, 47, 3, 2});
                    hello.write(random(new Random(1), 32));
                    hello.write(new byte[] {0, 0, 6, (byte) 0xc0, 0x13, (byte) 0xc0, 0x09, 0, 0x2f, 1, 0});
                    hello.write(new byte[] {0, 0});
                }));
                nbd.out.flush();
                assertEquals(21, nbd.in.readUnsignedByte(), "an alert");
                nbd.in.skipBytes(4);
                assertEquals(2, nbd.in.readUnsignedByte(), "fatal");
                assertEquals(70, nbd.in.readUnsignedByte(), "protocol_version");
                assertTrue(nbd.isClosedByServer());
            }
            awaitFailure(TlsFailure.NOTHING_IN_COMMON);
        }

        @Test
        void cannotNegotiateAnew() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                SSLSocket tls = nbd.startTls(anybody(), "TLSv1.2");
                nbd.go("disk");
                assertEquals(0, nbd.read(0, 512).error());
                assertThrows(IOException.class, () -> {
                    tls.startHandshake();
                    nbd.read(0, 512);
                });
            }
        }

        @Test
        void isCutOffWhenItDoesNotGoOnWithTheHandshake() throws Exception {
            nbdServer.close();
            begin(ServerOptions.DEFAULT.withHandshakeTimeoutMillis(300));
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                nbd.option(NbdOption.STARTTLS.code());
                while (!nbd.isClosedByServer()) {
                    Thread.onSpinWait();
                }
            }
            awaitFailure(TlsFailure.TIMEOUT);
        }

        @Test
        void thatGoesAwayDuringTheHandshakeIsCounted() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                nbd.option(NbdOption.STARTTLS.code());
            }
            awaitFailure(TlsFailure.GONE);
        }

        @Test
        void thatDoesNotTrustUsIsCounted() throws Exception {
            TestAuthority other = new TestAuthority(folder, "other");
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                assertThrows(IOException.class, () -> nbd.startTls(other.client(null)));
            }
            awaitFailure(TlsFailure.REFUSED_BY_CLIENT);
        }

        @Test
        void thatEndsTlsWithoutGoodByeIsGone() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                SSLSocket tls = nbd.startTls(anybody());
                nbd.go("disk");
                tls.shutdownOutput();
                assertTrue(nbd.isClosedByServer());
            }
            assertEquals("disk", closed.take().export());
        }
    }

    @Nested
    class ACertificateOfAClient {
        private RawNbd with(TestAuthority.Pair shown, String version) throws Exception {
            RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED));
            try {
                nbd.startTls(authority.client(shown), version);
                nbd.go("disk");
            } catch (IOException refused) {
                nbd.close();
                throw refused;
            }
            return nbd;
        }

        private void assertRefused(TestAuthority.Pair shown, TlsFailure reason) throws Exception {
            endpoint.replace(ours(authority.certificates(), true));
            assertThrows(IOException.class, () -> with(shown, "TLSv1.3"));
            awaitFailure(reason);
            assertThrows(IOException.class, () -> with(shown, "TLSv1.2"));
            while (figures.failures(reason) < 2) {
                Thread.onSpinWait();
            }
            assertEquals(0, rig.disk.channelsOpened.get());
        }

        @ParameterizedTest
        @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
        void tellsUsWhoItIs(String version) throws Exception {
            endpoint.replace(ours(authority.certificates(), true));
            with(client, version).close();
            ConnectionWatch.Visit visit = opened.take();
            assertEquals(
                    new ClientIdentity(
                            ClientIdentity.Proof.CERTIFICATE,
                            "CN=db,O=Books",
                            List.of("dns:db.example.org", "uri:spiffe://example.org/db")),
                    visit.client());
            assertEquals("spiffe://example.org/db", visit.client().spiffeId());
            assertEquals(List.of(new TlsFigures.Secured(version, "certificate", 1)), figures.secured());
        }

        /** A message of the handshake may have 32 KiB; nearly all of that is names here. */
        @ParameterizedTest
        @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
        void mayBeLarge(String version) throws Exception {
            StringBuilder names = new StringBuilder("URI:spiffe://example.org/db");
            while (names.length() < 29_000) {
                names.append(",DNS:host-").append(names.length()).append(".example.org");
            }
            endpoint.replace(ours(authority.certificates(), true));
            with(authority.issue("/O=Books/CN=db", names.toString(), "clientAuth", 9), version)
                    .close();
            assertEquals("spiffe://example.org/db", opened.take().client().spiffeId());
        }

        @Test
        void hasToBeShown() throws Exception {
            assertRefused(null, TlsFailure.NO_CERTIFICATE);
        }

        @Test
        void hasToBeSignedByOurAuthority() throws Exception {
            assertRefused(
                    new TestAuthority(folder, "strangers").issue("/CN=db", "DNS:x", "clientAuth", 9),
                    TlsFailure.CERTIFICATE_UNTRUSTED);
        }

        @Test
        void hasToBeValidNow() throws Exception {
            assertRefused(authority.issue("/CN=db", "DNS:x", "clientAuth", -1), TlsFailure.CERTIFICATE_EXPIRED);
        }

        @Test
        void hasToBeForClients() throws Exception {
            assertRefused(authority.issue("/CN=db", "DNS:x", "serverAuth", 9), TlsFailure.CERTIFICATE_UNTRUSTED);
        }

        @Test
        void mayBeMissingWhereThatIsAllowed() throws Exception {
            endpoint.replace(ours(authority.certificates(), false));
            with(null, "TLSv1.3").close();
            assertEquals(ClientIdentity.ANONYMOUS, opened.take().client());
            with(client, "TLSv1.3").close();
            assertEquals(
                    ClientIdentity.Proof.CERTIFICATE, opened.take().client().proof());
        }
    }

    @Nested
    class APreSharedKey {
        private final byte[] key = random(new Random(3), 32);
        private final PresharedKeys keys = new PresharedKeys() {
            @Override
            public boolean has(String name) {
                return name.equals("vm3");
            }

            @Override
            public byte[] copyOf(String name) {
                return has(name) ? key.clone() : null;
            }
        };

        private RawNbd with(PskClient who, TlsMode mode) throws Exception {
            RawNbd nbd = RawNbd.haggling(listen(mode));
            nbd.option(NbdOption.STARTTLS.code());
            TlsClientProtocol tls = new TlsClientProtocol(nbd.in, Channels.newOutputStream(nbd.channel));
            tls.connect(who);
            nbd.in = new DataInputStream(tls.getInputStream());
            nbd.out = new DataOutputStream(new BufferedOutputStream(tls.getOutputStream(), 1 << 16));
            return nbd;
        }

        @ParameterizedTest(name = "{0}, beside a certificate: {1}")
        @CsvSource({"TLSv1.2, true", "TLSv1.3, true", "TLSv1.2, false", "TLSv1.3, false"})
        void saysWhoTheClientIsAndProtectsItsData(String version, boolean beside) throws Exception {
            endpoint.replace(new Credentials(
                    beside ? ours(authority.certificates(), true).certificate() : null,
                    new PskMeans(keys, RecordCipher.BY_THE_JDK)));
            try (RawNbd nbd = with(PskClient.of(version, "vm3", key), TlsMode.OPTIONAL)) {
                nbd.negotiate(NbdReplyStyle.STRUCTURED);
                nbd.go("disk");
                byte[] data = random(new Random(7), 3_000_001);
                assertEquals(0, nbd.write(0, 4097, data).error());
                assertArrayEquals(data, nbd.read(4097, data.length).data());
                nbd.send(0, NbdCommand.DISC.code(), 0, 0, 0);
            }
            ConnectionWatch.Visit visit = opened.take();
            assertEquals(new ClientIdentity(ClientIdentity.Proof.PSK, "vm3", List.of()), visit.client());
            assertEquals(version, visit.tls());
            assertEquals(List.of(new TlsFigures.Secured(version, "psk", 1)), figures.secured());
        }

        @Test
        void leavesCertificatesToOthers() throws Exception {
            endpoint.replace(new Credentials(
                    ours(authority.certificates(), true).certificate(), new PskMeans(keys, RecordCipher.BY_THE_JDK)));
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                nbd.startTls(authority.client(client));
                nbd.go("disk");
            }
            assertEquals(
                    ClientIdentity.Proof.CERTIFICATE, opened.take().client().proof());
        }

        @ParameterizedTest
        @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
        void isNeededWhereThereIsNoCertificate(String version) throws Exception {
            endpoint.replace(new Credentials(null, new PskMeans(keys, RecordCipher.BY_THE_JDK)));
            assertEquals(0, figures.certificateEndSeconds());
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                assertThrows(IOException.class, () -> nbd.startTls(anybody(), version));
            }
            awaitFailure(TlsFailure.NOTHING_IN_COMMON);
        }

        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        void isNotLookedForInTheClear(boolean beside) throws Exception {
            endpoint.replace(new Credentials(
                    beside ? ours(List.of(), false).certificate() : null, new PskMeans(keys, RecordCipher.BY_THE_JDK)));
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.OPTIONAL))) {
                nbd.option(NbdOption.STARTTLS.code());
                nbd.sendOption(NbdOption.GO.code(), RawNbd.infoRequest("disk", 1));
                awaitFailure(TlsFailure.NOT_TLS);
            }
            assertEquals(0, rig.disk.channelsOpened.get());
        }

        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        void isWaitedForAsLongAsTheHandshakeMayTake(boolean beside) throws Exception {
            endpoint.replace(new Credentials(
                    beside ? ours(List.of(), false).certificate() : null, new PskMeans(keys, RecordCipher.BY_THE_JDK)));
            nbdServer.close();
            begin(ServerOptions.DEFAULT.withHandshakeTimeoutMillis(300));
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                nbd.option(NbdOption.STARTTLS.code());
                nbd.out.write(new byte[] {22, 3, 1, 2, 0, 1, 0, 1});
                nbd.out.flush();
                while (!nbd.isClosedByServer()) {
                    Thread.onSpinWait();
                }
            }
            awaitFailure(TlsFailure.TIMEOUT);
        }

        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        void ofAClientThatGoesAwayIsCounted(boolean beside) throws Exception {
            endpoint.replace(new Credentials(
                    beside ? ours(List.of(), false).certificate() : null, new PskMeans(keys, RecordCipher.BY_THE_JDK)));
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                nbd.option(NbdOption.STARTTLS.code());
                nbd.out.write(new byte[] {22, 3, 1, 2, 0, 1, 0, 1});
            }
            awaitFailure(TlsFailure.GONE);
        }
    }

    /** Nobody knows yet who it is, and what it sends could only be kept. */
    @Nested
    class WhileArithmeticOfTheHandshakeIsDoneElsewhere {
        private final HeldArithmetic arithmetic = new HeldArithmetic();
        private final byte[] key = random(new Random(5), 32);

        @BeforeEach
        void holdIt() throws Exception {
            endpoint = new TlsEndpoint(ours(List.of(), false), figures, arithmetic);
        }

        @AfterEach
        void letItGo() {
            arithmetic.letGo();
        }

        private PskMeans preshared() {
            PresharedKeys keys = new PresharedKeys() {
                @Override
                public boolean has(String name) {
                    return name.equals("vm3");
                }

                @Override
                public byte[] copyOf(String name) {
                    return has(name) ? key.clone() : null;
                }
            };
            return new PskMeans(keys, RecordCipher.BY_THE_JDK);
        }

        private Path listenLocally() throws IOException {
            Path socket = rig.directory.resolve("tls");
            nbdServer.listenUnix(
                    socket, NbdServer.UNIX_PERMISSIONS_DEFAULT, new Protection(TlsMode.REQUIRED, endpoint));
            return socket;
        }

        private byte[] helloWithCertificates() throws Exception {
            SSLEngine engine = anybody().createSSLEngine("localhost", 1);
            engine.setUseClientMode(true);
            ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
            engine.wrap(ByteBuffer.allocate(0), hello);
            return Arrays.copyOf(hello.array(), hello.position());
        }

        private byte[] helloWithKey() throws IOException {
            TlsClientProtocol protocol = new TlsClientProtocol();
            protocol.connect(PskClient.of("TLSv1.3", "vm3", key));
            byte[] hello = new byte[protocol.getAvailableOutputBytes()];
            protocol.readOutput(hello, 0, hello.length);
            return hello;
        }

        /** As much as somebody takes who looks at the socket as often as it likes. */
        private long pour(SocketChannel into) throws Exception {
            into.configureBlocking(false);
            ByteBuffer junk = ByteBuffer.allocate(32 << 10);
            long poured = 0;
            for (int idle = 0; idle < 50 && poured < 64 << 20; ) {
                junk.clear();
                int taken = into.write(junk);
                poured += taken;
                idle = taken == 0 ? idle + 1 : 0;
                turnLoops();
            }
            into.configureBlocking(true);
            return poured;
        }

        /** They read what they want to read. */
        private void turnLoops() throws InterruptedException {
            rig.letLoopsTurn();
        }

        private void assertNothingFailed() {
            for (TlsFailure reason : TlsFailure.values()) {
                assertEquals(0, figures.failures(reason), "it is still waited for");
            }
        }

        /** What fits into a socket that nobody reads. */
        private long capacity() throws Exception {
            UnixDomainSocketAddress address = UnixDomainSocketAddress.of(rig.directory.resolve("unread"));
            try (ServerSocketChannel deaf = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                deaf.bind(address);
                try (SocketChannel into = SocketChannel.open(address)) {
                    return pour(into);
                }
            } finally {
                Files.delete(address.getPath());
            }
        }

        @ParameterizedTest(name = "{0}")
        @ValueSource(strings = {"certificate", "psk", "both, by certificate", "both, by psk"})
        void nothingIsRead(String credentials) throws Exception {
            boolean byKey = credentials.endsWith("psk");
            endpoint.replace(new Credentials(
                    credentials.equals("psk") ? null : ours(List.of(), false).certificate(),
                    credentials.equals("certificate") ? null : preshared()));
            try (RawNbd nbd = RawNbd.haggling(listenLocally())) {
                nbd.option(NbdOption.STARTTLS.code());
                nbd.out.write(byKey ? helloWithKey() : helloWithCertificates());
                nbd.out.flush();
                arithmetic.awaitTask();
                long poured = pour(nbd.channel);
                assertTrue(poured <= capacity(), poured + " bytes were taken");
                assertNothingFailed();
                arithmetic.letGo();
                // That was not how a handshake goes on.
                while (!nbd.isClosedByServer()) {
                    Thread.onSpinWait();
                }
            }
        }

        /** A hang-up is told of apart from what came before it. */
        @Test
        void whoHangsUpIsNotReadToTheEndEither() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                nbd.option(NbdOption.STARTTLS.code());
                nbd.out.write(helloWithCertificates());
                nbd.out.flush();
                arithmetic.awaitTask();
                long poured = pour(nbd.channel);
                assertTrue(poured > 256 << 10, poured + " bytes fit into TCP's buffers");
                nbd.endSending();
                for (int i = 0; i < 50; i++) {
                    turnLoops();
                }
                assertNothingFailed();
                arithmetic.letGo();
                while (!nbd.isClosedByServer()) {
                    Thread.onSpinWait();
                }
            }
        }

        @ParameterizedTest
        @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
        void aHandshakeWaitsAndGoesOn(String version) throws Exception {
            try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
                // Not on the common pool, which may have one thread, and does the arithmetic.
                CompletableFuture<SSLSocket> handshake = CompletableFuture.supplyAsync(
                        () -> {
                            try {
                                return nbd.startTls(anybody(), version);
                            } catch (Exception e) {
                                throw new IllegalStateException(e);
                            }
                        },
                        client -> new Thread(client, "client").start());
                arithmetic.awaitTask();
                arithmetic.letGo();
                handshake.get(30, TimeUnit.SECONDS);
                nbd.go("disk");
                assertEquals(0, nbd.read(0, 1 << 20).error());
            }
        }
    }

    /** Does nothing before it is told to, and then what is asked for. */
    private static final class HeldArithmetic implements Executor {
        private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
        private boolean held = true;

        @Override
        public void execute(Runnable task) {
            synchronized (this) {
                if (held) {
                    tasks.add(task);
                    return;
                }
            }
            ForkJoinPool.commonPool().execute(task);
        }

        void awaitTask() {
            while (tasks.isEmpty()) {
                Thread.onSpinWait();
            }
        }

        void letGo() {
            synchronized (this) {
                held = false;
            }
            for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
                task.run();
            }
        }
    }

    /** The client, Java's own, holds what we sign against our certificate. */
    @ParameterizedTest(name = "{0}, {1}")
    @CsvSource({
        "rsa -pkeyopt rsa_keygen_bits:2048, TLSv1.2",
        "rsa -pkeyopt rsa_keygen_bits:2048, TLSv1.3",
        "rsa -pkeyopt rsa_keygen_bits:4096, TLSv1.3",
        "ec -pkeyopt ec_paramgen_curve:P-384, TLSv1.2",
        "ec -pkeyopt ec_paramgen_curve:P-384, TLSv1.3",
        "ec -pkeyopt ec_paramgen_curve:P-521, TLSv1.2",
        "ec -pkeyopt ec_paramgen_curve:P-521, TLSv1.3"
    })
    void ourKeyMayBeOfAnotherKind(String kind, String version) throws Exception {
        TestAuthority.Pair other = authority.issue(kind, "/CN=server", "DNS:localhost,IP:127.0.0.1", "serverAuth", 9);
        endpoint.replace(of(other, List.of(), false));
        try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
            SSLSocket tls = nbd.startTls(anybody(), version);
            assertEquals(other.chain().get(0), tls.getSession().getPeerCertificates()[0]);
            nbd.go("disk");
            assertEquals(0, nbd.read(0, 4096).error());
        }
    }

    /** It would prove nothing then: a certificate that has ended meanwhile would be as good as new. */
    @ParameterizedTest
    @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
    void noSessionIsTakenUpAgain(String version) throws Exception {
        endpoint.replace(ours(authority.certificates(), true));
        SSLContext same = authority.client(client);
        Set<Long> begun = new HashSet<>();
        InetSocketAddress address = listen(TlsMode.REQUIRED);
        for (int i = 0; i < 3; i++) {
            try (RawNbd nbd = RawNbd.haggling(address)) {
                SSLSocket tls = nbd.startTls(same, version);
                nbd.go("disk");
                // With an answer comes what the client would need for it.
                assertEquals(0, nbd.read(0, 4096).error());
                long now = tls.getSession().getCreationTime();
                assertTrue(begun.add(now), "it goes on with a session of before");
                while (System.currentTimeMillis() == now) {
                    Thread.onSpinWait();
                }
            }
        }
    }

    @Test
    void ourKeyOfEd25519IsLeftToJava() throws Exception {
        TestAuthority.Pair other =
                authority.issue("ed25519", "/CN=server", "DNS:localhost,IP:127.0.0.1", "serverAuth", 9);
        CertificateTls tls = CertificateTls.of(other.chain(), other.secret(), List.of(), false);
        assertEquals(TlsLibrary.JAVA, tls.library());
        endpoint.replace(new Credentials(tls, null));
        try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
            nbd.startTls(anybody(), "TLSv1.3");
            nbd.go("disk");
        }
    }

    @Test
    void newCredentialsAreForNewConnections() throws Exception {
        InetSocketAddress address = listen(TlsMode.REQUIRED);
        try (RawNbd before = RawNbd.haggling(address);
                RawNbd after = RawNbd.haggling(address)) {
            before.startTls(anybody());
            before.go("disk");
            TestAuthority.Pair newer = authority.forServer();
            endpoint.replace(of(newer, List.of(), false));
            SSLSocket tls = after.startTls(anybody());
            assertEquals(newer.chain().get(0), tls.getSession().getPeerCertificates()[0]);
            assertEquals(0, before.read(0, 4096).error());
        }
    }

    /** Every size and alignment, many at a time, both ways, against a copy in memory. */
    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({"TLSv1.3, SIMPLE", "TLSv1.3, STRUCTURED", "TLSv1.3, EXTENDED", "TLSv1.2, STRUCTURED"})
    void dataComeThroughWhole(String version, NbdReplyStyle style) throws Exception {
        long seed = 20261126;
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        byte[] model = new byte[(int) ServerRig.DISK_BYTES];
        try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
            nbd.startTls(anybody(), version);
            nbd.negotiate(style);
            nbd.go("disk");
            int at = 0;
            List<long[]> pieces = new ArrayList<>();
            while (at < model.length - (5 << 20) && pieces.size() < 60) {
                int length =
                        switch (random.nextInt(4)) {
                            case 0 -> 1 + random.nextInt(600);
                            case 1 -> 4096 * (1 + random.nextInt(8));
                            case 2 -> 1 + random.nextInt(200_000);
                            default -> 1 + random.nextInt(1 << 20);
                        };
                pieces.add(new long[] {at, length});
                at += length;
            }
            CompletableFuture<Void> written = CompletableFuture.runAsync(() -> {
                try {
                    for (int i = 0; i < pieces.size(); i++) {
                        byte[] data = random(random, (int) pieces.get(i)[1]);
                        System.arraycopy(data, 0, model, (int) pieces.get(i)[0], data.length);
                        int flags = style == NbdReplyStyle.EXTENDED ? 32 : 0;
                        nbd.send(flags, NbdCommand.WRITE.code(), i, pieces.get(i)[0], data.length, data);
                    }
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            boolean[] seen = new boolean[pieces.size()];
            for (int i = 0; i < pieces.size(); i++) {
                RawNbd.Chunk chunk = nbd.chunk(0);
                assertEquals(0, chunk.simple() ? chunk.type() : chunk.type() & 0x8000);
                assertFalse(seen[(int) chunk.cookie()]);
                seen[(int) chunk.cookie()] = true;
            }
            written.get(30, TimeUnit.SECONDS);
            for (long[] piece : pieces) {
                byte[] expected = Arrays.copyOfRange(model, (int) piece[0], (int) (piece[0] + piece[1]));
                assertArrayEquals(expected, nbd.read(piece[0], (int) piece[1]).data());
            }
            assertArrayEquals(
                    Arrays.copyOf(model, 16 << 20), nbd.read(0, 16 << 20).data());
        }
    }

    /** They come out of TLS together with the option that ends the handshake. */
    @Test
    void requestsMayFollowGoInTheSameRecord() throws Exception {
        try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
            nbd.startTls(anybody());
            byte[] info = RawNbd.infoRequest("disk", 1);
            byte[] data = random(new Random(3), 5000);
            nbd.out.write(RawNbd.bytes(all -> {
                all.writeLong(io.blockseal.nbd.NbdMagic.OPTION);
                all.writeInt(NbdOption.GO.code());
                all.writeInt(info.length);
                all.write(info);
                all.writeInt(io.blockseal.nbd.NbdMagic.REQUEST);
                all.writeShort(0);
                all.writeShort(NbdCommand.WRITE.code());
                all.writeLong(7);
                all.writeLong(100);
                all.writeInt(data.length);
                all.write(data);
            }));
            nbd.out.flush();
            assertEquals(RawNbd.ACK, last(nbd.optionReplies()).type());
            assertEquals(0, nbd.reply(7, 0).error());
            assertArrayEquals(data, nbd.read(100, data.length).data());
        }
    }

    /** What is held back by a full budget must neither be lost nor read without end. */
    @Test
    void aClientThatSendsMoreThanCanBeTakenWaits() throws Exception {
        rig.disk.hold = true;
        int count = 600;
        try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
            nbd.startTls(anybody());
            nbd.go("disk");
            CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                try {
                    for (int i = 0; i < count; i++) {
                        nbd.send(0, NbdCommand.WRITE.code(), i, i * 4096L, 4096, random(new Random(i), 4096));
                    }
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            while (rig.disk.heldCount() < ServerOptions.DEFAULT.requestsPerConnection()) {
                Thread.onSpinWait();
            }
            rig.disk.letGo();
            Map<Long, Boolean> seen = new java.util.HashMap<>();
            for (int i = 0; i < count; i++) {
                RawNbd.Chunk reply = nbd.chunk(0);
                assertEquals(0, reply.type());
                assertNull(seen.put(reply.cookie(), true));
            }
            sent.get(30, TimeUnit.SECONDS);
            for (int i = 0; i < count; i += 97) {
                assertArrayEquals(
                        random(new Random(i), 4096), nbd.read(i * 4096L, 4096).data());
            }
        }
    }

    /** What TLS has made of replies lies in no buffer of ours, and is bounded as if it did. */
    @Test
    void clientsThatNeverReadAreBoundedAndLeaveRoomForOthers() throws Exception {
        InetSocketAddress address = listen(TlsMode.REQUIRED);
        byte[] data = random(new Random(23), 1 << 20);
        List<RawNbd> deaf = new ArrayList<>();
        try (RawNbd other = RawNbd.haggling(address)) {
            other.startTls(anybody());
            other.negotiate(NbdReplyStyle.STRUCTURED);
            other.go("disk");
            assertEquals(0, other.write(0, 0, data).error());
            for (int i = 0; i < 60; i++) {
                RawNbd nbd = RawNbd.haggling(address);
                deaf.add(nbd);
                nbd.startTls(anybody());
                nbd.negotiate(NbdReplyStyle.STRUCTURED);
                nbd.go("disk");
                for (int k = 0; k < 30; k++) {
                    nbd.send(0, NbdCommand.READ.code(), k, (long) k << 20, 1 << 20);
                }
            }
            for (int i = 0; i < 20; i++) {
                assertArrayEquals(data, other.read(0, data.length).data());
            }
            long all = 0;
            for (NettyIoLoop loop : rig.loops.netty()) {
                long held = ServerRig.onLoop(
                        loop, () -> loop.share().besideBytes() + loop.buffers().leasedBytes());
                // A half of the buffers, and for each of 30 a piece that is being made, with what it was made from.
                long most = IoLoops.BUFFER_BYTES_MIN / 2 + 30 * 3L * BufferShare.LEAST_BYTES;
                assertTrue(held < most, "loop " + loop.index() + ": " + held);
                all += held;
            }
            assertTrue(all > 8 << 20, "they hold " + all + " bytes only");
            assertEquals(61, nbdServer.connectionCount(), "nobody had to go for it");
        } finally {
            for (RawNbd nbd : deaf) {
                nbd.close();
            }
        }
    }

    /** Or anybody could fill our log with warnings of the library. */
    @Test
    void whoTakesNothingIsCutOffWithoutAWarning() throws Exception {
        begin(ServerOptions.DEFAULT.withDrainTimeoutMillis(1));
        try (LogLines library = LogLines.listen(SslHandler.class);
                RawNbd deaf = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
            deaf.startTls(anybody());
            deaf.negotiate(NbdReplyStyle.STRUCTURED);
            deaf.go("disk");
            for (int i = 0; i < 30; i++) {
                deaf.send(0, NbdCommand.READ.code(), i, (long) i << 20, 1 << 20);
            }
            long beside;
            do {
                beside = 0;
                for (NettyIoLoop loop : rig.loops.netty()) {
                    beside += ServerRig.onLoop(loop, () -> loop.share().besideBytes());
                }
            } while (beside < 256 << 10);
            nbdServer.close();
            assertEquals(0, nbdServer.connectionCount());
            assertTrue(library.saidNothing());
        }
    }

    /** Or clients that are idle would keep the others short. */
    @Test
    void whatAClientHasTakenCountsNoLonger() throws Exception {
        try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED))) {
            nbd.startTls(anybody());
            nbd.negotiate(NbdReplyStyle.STRUCTURED);
            nbd.go("disk");
            for (int length : new int[] {1, 4096, 60_000, BufferShare.LEAST_BYTES, 8 << 20}) {
                assertEquals(0, nbd.read(0, length).error());
                for (NettyIoLoop loop : rig.loops.netty()) {
                    long beside;
                    do {
                        // The last of it may have left after the client had what it asked for.
                        beside = ServerRig.onLoop(loop, () -> loop.share().besideBytes());
                    } while (beside > 0);
                }
            }
        }
    }

    @Test
    void aServerThatEndsSendsItsClientsAway() throws Exception {
        try (RawNbd nbd = RawNbd.haggling(listen(TlsMode.REQUIRED));
                RawNbd half = RawNbd.haggling((InetSocketAddress) nbd.channel.getRemoteAddress())) {
            nbd.startTls(anybody());
            nbd.go("disk");
            half.option(NbdOption.STARTTLS.code());
            nbdServer.close();
            assertTrue(nbd.isClosedByServer());
            // TLS says good-bye as well, even so early.
            while (!half.isClosedByServer()) {
                Thread.onSpinWait();
            }
        }
    }
}
