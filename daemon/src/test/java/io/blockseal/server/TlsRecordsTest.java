package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.tls.RecordCipher;
import io.blockseal.export.Export;
import io.blockseal.export.ExportBudget;
import io.blockseal.export.ExportContext;
import io.blockseal.export.LossLedger;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.TlsBreach;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.limit.TcpLife;
import io.blockseal.server.tls.CertificateTls;
import io.blockseal.server.tls.Credentials;
import io.blockseal.server.tls.PresharedKeys;
import io.blockseal.server.tls.PskClient;
import io.blockseal.server.tls.PskMeans;
import io.blockseal.server.tls.RecordClient;
import io.blockseal.server.tls.TestAuthority;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsLibrary;
import io.blockseal.server.tls.TlsMode;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.atomic.AtomicInteger;
import org.bouncycastle.tls.TlsClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client sends over TLS beside its data costs the others nothing, and us no memory. */
@Timeout(60)
class TlsRecordsTest {
    /** As many more records without data than with data are put up with (docs/protocol.md, "Limits"). */
    private static final int EMPTY_MAX = 32;

    private static final byte[] KEY = "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    @TempDir
    static Path folder;

    private static TestAuthority.Pair ours;

    private final TlsFigures figures = new TlsFigures();
    private ServerRig rig;
    private NbdServer server;

    @BeforeAll
    static void certificates() throws Exception {
        ours = new TestAuthority(folder, "ours").forServer();
    }

    /** Who speaks TLS by certificates here. */
    TlsLibrary library() {
        return TlsLibrary.BORINGSSL;
    }

    private Credentials credentials() throws Exception {
        PresharedKeys keys = new PresharedKeys() {
            @Override
            public boolean has(String name) {
                return name.equals("vm3");
            }

            @Override
            public byte[] copyOf(String name) {
                return has(name) ? KEY.clone() : null;
            }
        };
        return new Credentials(
                CertificateTls.of(library(), ours.chain(), ours.secret(), List.of(), false),
                new PskMeans(keys, RecordCipher.BY_THE_JDK));
    }

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
        begin(ServerOptions.DEFAULT);
    }

    private void begin(ServerOptions options) throws Exception {
        server = new NbdServer(rig.loops, rig.exports, options);
        TlsEndpoint endpoint = new TlsEndpoint(credentials(), figures, ForkJoinPool.commonPool());
        server.listenUnix(
                rig.directory.resolve("tls"),
                NbdServer.UNIX_PERMISSIONS_DEFAULT,
                new Protection(TlsMode.REQUIRED, endpoint));
    }

    @AfterEach
    void everythingIsBack() throws Exception {
        server.close();
        rig.assertEverythingIsBack();
        rig.close();
    }

    /** A client on TLS, and what it says there. */
    private final class Talker implements AutoCloseable {
        final RawNbd nbd = RawNbd.haggling(rig.directory.resolve("tls"));
        final RecordClient tls = new RecordClient();
        private final boolean withNewKeys;

        Talker(String proof, String version) throws IOException {
            withNewKeys = version.equals("TLSv1.3");
            TlsClient who = proof.equals("psk") ? PskClient.of(version, "vm3", KEY) : RecordClient.trusting(version);
            nbd.option(NbdOption.STARTTLS.code());
            tls.handshake(who, nbd.channel);
            nbd.in = new DataInputStream(tls.input(nbd.channel));
            nbd.out = new DataOutputStream(tls.output(nbd.channel));
        }

        /** Sends records that have no data. */
        void sayNothing(int times) throws IOException {
            for (int i = 0; i < times; i++) {
                if (withNewKeys) {
                    tls.changeKeys(false);
                } else {
                    tls.sayNothing();
                }
            }
            tls.send(nbd.channel);
        }

        @Override
        public void close() throws IOException {
            nbd.close();
        }
    }

    private void awaitBreach(TlsBreach reason) throws InterruptedException {
        while (figures.breaches(reason) == 0) {
            if (Thread.interrupted()) {
                throw new InterruptedException("it is not counted");
            }
            for (TlsBreach other : TlsBreach.values()) {
                assertTrue(other == reason || figures.breaches(other) == 0, () -> "ended for " + other);
            }
            Thread.onSpinWait();
        }
        assertEquals(1, figures.breaches(reason));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @CsvSource({"certificate, TLSv1.2", "certificate, TLSv1.3", "psk, TLSv1.2", "psk, TLSv1.3"})
    void aFewRecordsWithoutDataAreNothingUnusualAndManyAreTheEnd(String proof, String version) throws Exception {
        try (RawNbd neighbour = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE);
                Talker talker = new Talker(proof, version)) {
            talker.sayNothing(EMPTY_MAX);
            talker.nbd.go("disk");
            for (int i = 0; i < 2 * EMPTY_MAX; i++) {
                assertEquals(0, talker.nbd.read(0, 512).error());
                talker.sayNothing(1);
            }
            talker.sayNothing(EMPTY_MAX);
            assertTrue(talker.nbd.isClosedByServer());
            awaitBreach(TlsBreach.EMPTY_RECORDS);
            assertEquals(0, neighbour.read(0, 512).error());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"certificate", "psk"})
    void manyAreTheEndOfTheNegotiationToo(String proof) throws Exception {
        try (Talker talker = new Talker(proof, "TLSv1.3")) {
            talker.sayNothing(EMPTY_MAX + 1);
            assertTrue(talker.nbd.isClosedByServer());
            awaitBreach(TlsBreach.EMPTY_RECORDS);
        }
    }

    /** The library would refuse each of them with a record of its own. */
    @ParameterizedTest(name = "{0}, {1} times in one record")
    @CsvSource({"certificate, 1", "certificate, 4096", "psk, 1", "psk, 4096"})
    void whoWantsToNegotiateAnewIsToldOnceAndSentAway(String proof, int times) throws Exception {
        try (Talker talker = new Talker(proof, "TLSv1.2")) {
            talker.nbd.go("disk");
            talker.tls.sayHello(times).send(talker.nbd.channel);
            ByteBuffer answer = ByteBuffer.allocate(1024);
            while (talker.nbd.channel.read(answer) >= 0) {
                assertTrue(answer.hasRemaining(), "one alert, and the end");
            }
            assertTrue(answer.position() < 100, () -> answer.position() + " bytes");
            awaitBreach(TlsBreach.RENEGOTIATION);
        }
    }

    /** Each makes us derive new keys, and one record has room for thousands; what is right is once (RFC 8446, 5.1). */
    @ParameterizedTest(name = "{0}, {1} times: {2}")
    @CsvSource({"certificate, 3000, EMPTY_RECORDS", "psk, 2, OTHER"})
    void keysDoNotChangeManyTimesInARecord(String proof, int times, TlsBreach reason) throws Exception {
        try (Talker talker = new Talker(proof, "TLSv1.3")) {
            talker.nbd.go("disk");
            talker.tls.changeKeys(true).send(talker.nbd.channel);
            assertEquals(0, talker.nbd.read(0, 512).error());
            talker.tls.changeKeysInOneRecord(times).send(talker.nbd.channel);
            assertTrue(talker.nbd.isClosedByServer());
            awaitBreach(reason);
        }
    }

    /** Whatever the loop reads of one client, it goes on to the others after a while. */
    @ParameterizedTest
    @ValueSource(strings = {"certificate", "psk"})
    void neighboursAreAnsweredWhileRecordsPourIn(String proof) throws Exception {
        AtomicInteger poured = new AtomicInteger();
        Queue<Integer> pouredBefore = new ConcurrentLinkedQueue<>();
        rig.exports.add(probed(() -> pouredBefore.add(poured.get())));
        // One for each loop.
        try (RawNbd one = asking();
                RawNbd another = asking();
                Talker talker = new Talker(proof, "TLSv1.2")) {
            int pairs = 12_000;
            talker.nbd.go("disk");
            talker.nbd.send(0, NbdCommand.WRITE.code(), 7, 0, pairs);
            for (int i = 0; i < pairs; i++) {
                talker.tls.sayNothing().say((byte) i);
            }
            ByteBuffer said = ByteBuffer.wrap(talker.tls.takeSaid());
            CountDownLatch all = new CountDownLatch(1);
            for (NettyIoLoop loop : rig.loops.netty()) {
                loop.execute(() -> await(all));
            }
            talker.nbd.channel.configureBlocking(false);
            while (talker.nbd.channel.write(said) > 0) {
                poured.set(said.position());
            }
            one.send(0, NbdCommand.BLOCK_STATUS.code(), 1, 0, 4096);
            another.send(0, NbdCommand.BLOCK_STATUS.code(), 1, 0, 4096);
            all.countDown();
            while (said.hasRemaining()) {
                talker.nbd.channel.write(said);
                poured.set(said.position());
            }
            assertEquals(0, one.reply(1, 0).error());
            assertEquals(0, another.reply(1, 0).error());
            talker.nbd.channel.configureBlocking(true);
            assertEquals(0, talker.nbd.reply(7, 0).error());
            assertEquals(2, pouredBefore.size());
            for (int before : pouredBefore) {
                assertTrue(before < said.limit() / 2, () -> "answered after " + before + " of " + said.limit());
            }
        }
    }

    /** A disk that runs something, on the loop, when it is asked for its status. */
    private Export probed(Runnable probe) {
        ExportContext context = new ExportContext(ServerRig.MAPPED, (offset, length, out) -> {
            probe.run();
            out.add(length, 5);
        });
        return new Export(
                "probed",
                "",
                rig.plain,
                false,
                new ExportMetrics("probed", ServerRig.LOOPS),
                LossLedger.ofNone(ServerRig.LOOPS),
                List.of(context),
                ExportBudget.UNLIMITED);
    }

    private RawNbd asking() throws IOException {
        RawNbd nbd = RawNbd.haggling(rig.socket);
        nbd.negotiate(NbdReplyStyle.STRUCTURED);
        nbd.option(NbdOption.SET_META_CONTEXT.code(), RawNbd.metaQuery("probed", ServerRig.MAPPED));
        nbd.go("probed");
        return nbd;
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Each of these records has to be answered by one of ours, which is longer in memory than on the wire. */
    @Nested
    class WhoWantsOurKeysChangedAndTakesNoAnswers {
        private static final int PAIRS = 12_000;
        private static final int ROOM_BYTES = 64 << 10;

        @ParameterizedTest(name = "within a WRITE: {0}")
        @ValueSource(booleans = {true, false})
        void keepsNoMoreOfThemWaitingThanThereIsRoomFor(boolean withinWrite) throws Exception {
            server.close();
            begin(new ServerOptions(
                    8, 8, TcpLife.DEFAULT, 60_000, 1_000, 8, ROOM_BYTES, ROOM_BYTES, 1 << 20, 30_000, 4096));
            try (Talker talker = new Talker("certificate", "TLSv1.3")) {
                if (withinWrite) {
                    talker.nbd.go("disk");
                    talker.nbd.send(0, NbdCommand.WRITE.code(), 7, 0, PAIRS);
                } else {
                    talker.nbd.sendOptionHeader(0x7abc, PAIRS);
                }
                for (int i = 0; i < PAIRS; i++) {
                    talker.tls.changeKeys(true).say((byte) i);
                }
                ByteBuffer said = ByteBuffer.wrap(talker.tls.takeSaid());
                SocketChannel socket = talker.nbd.channel;
                socket.setOption(StandardSocketOptions.SO_SNDBUF, 4096);
                socket.configureBlocking(false);
                pourWhatIsTaken(socket, said);
                int held = takeWhatIsHeld(talker, socket);
                // The room, twice that within a payload, and what sockets hold.
                int bound = (withinWrite ? 2 : 1) * ROOM_BYTES + (32 << 10);
                assertTrue(held < bound, () -> held + " bytes of answers were waiting");
                goOn(talker, socket, said);
                if (withinWrite) {
                    assertEquals(0, talker.nbd.reply(7, 0).error());
                } else {
                    assertEquals(
                            RawNbd.ERR_UNSUP, talker.nbd.optionReplies().get(0).type());
                    talker.nbd.go("disk");
                }
                assertEquals(0, talker.nbd.read(0, 512).error());
            }
        }

        /**
         * Until nothing more is taken, however often the loops look. One wish at a time: several that are read at once may
         * have one answer together.
         */
        private void pourWhatIsTaken(SocketChannel into, ByteBuffer said) throws Exception {
            int end = said.limit();
            for (int idle = 0; idle < 50; ) {
                said.limit(Math.min(end, said.position() + end / PAIRS));
                idle = into.write(said) == 0 ? idle + 1 : 0;
                letLoopsLook();
            }
            said.limit(end);
        }

        private int takeWhatIsHeld(Talker talker, SocketChannel from) throws Exception {
            ByteBuffer came = ByteBuffer.allocate(64 << 10);
            int held = 0;
            for (int idle = 0; idle < 50; ) {
                came.clear();
                int bytes = from.read(came);
                assertTrue(bytes >= 0, "the server has closed");
                talker.tls.offerInput(came.array(), 0, bytes);
                held += bytes;
                idle = bytes == 0 ? idle + 1 : 0;
                letLoopsLook();
            }
            return held;
        }

        private void letLoopsLook() throws Exception {
            // The first may come to a loop that has looked at its sockets already.
            for (int i = 0; i < 2; i++) {
                rig.letLoopsTurn();
            }
        }

        /** Takes the answers, and says the rest. */
        private void goOn(Talker talker, SocketChannel socket, ByteBuffer said) throws IOException {
            ByteBuffer came = ByteBuffer.allocate(64 << 10);
            while (said.hasRemaining()) {
                socket.write(said);
                came.clear();
                socket.read(came);
                talker.tls.offerInput(came.array(), 0, came.position());
            }
            socket.configureBlocking(true);
        }
    }
}
