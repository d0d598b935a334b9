package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.metrics.ConnectionRefusal;
import io.blockseal.metrics.RefusalFigures;
import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdReplyStyle;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who finds a place at the server, and for how long without opening an export. */
@Timeout(60)
class DoorLimitsTest {
    private ServerRig rig;
    private final RefusalFigures refusals = new RefusalFigures();
    private NbdServer server;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        rig.close();
    }

    private InetSocketAddress serve(ServerOptions options) throws IOException {
        return serve(options, ConnectionWatch.NOBODY);
    }

    private InetSocketAddress serve(ServerOptions options, ConnectionWatch watch) throws IOException {
        server = new NbdServer(rig.loops, rig.exports, options, watch, refusals);
        return server.listenTcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    /** A client that has its greeting: its place is taken. */
    private static Socket welcomed(InetSocketAddress address, String from) throws IOException {
        Socket socket = connected(address, from);
        assertEquals(18, socket.getInputStream().readNBytes(18).length);
        return socket;
    }

    private static Socket connected(InetSocketAddress address, String from) throws IOException {
        return new Socket(address.getAddress(), address.getPort(), InetAddress.getByName(from), 0);
    }

    private static void assertRefused(InetSocketAddress address, String from) throws IOException {
        try (Socket socket = connected(address, from)) {
            assertEquals(-1, read(socket));
        }
    }

    private static int read(Socket socket) {
        try {
            return socket.getInputStream().read();
        } catch (IOException reset) {
            return -1;
        }
    }

    @Test
    void oneAddressCannotTakeAllPlaces() throws Exception {
        InetSocketAddress address = serve(ServerOptions.DEFAULT.withConnectionsPerAddressMax(2));
        Path local = rig.directory.resolve("local");
        server.listenUnix(local);
        try (Socket one = welcomed(address, "127.0.0.1");
                Socket two = welcomed(address, "127.0.0.1")) {
            assertRefused(address, "127.0.0.1");
            try (Socket neighbour = welcomed(address, "127.0.0.2");
                    RawNbd here = RawNbd.transmitting(local, "disk", NbdReplyStyle.SIMPLE)) {
                assertEquals(0, here.read(0, 512).error());
                assertTrue(neighbour.isConnected());
            }
            assertTrue(one.isConnected() && two.isConnected());
        }
        assertEquals(1, refusals.countOf(ConnectionRefusal.ADDRESS));
        assertEquals(0, refusals.countOf(ConnectionRefusal.OVERALL));
    }

    @Test
    void thatAllPlacesAreTakenIsCountedApart() throws Exception {
        InetSocketAddress address = serve(ServerOptions.DEFAULT.withConnectionsMax(1));
        try (Socket one = welcomed(address, "127.0.0.1")) {
            assertRefused(address, "127.0.0.2");
            assertTrue(one.isConnected());
        }
        assertEquals(1, refusals.countOf(ConnectionRefusal.OVERALL));
        assertEquals(0, refusals.countOf(ConnectionRefusal.ADDRESS));
    }

    /** A client that is closed at once hears no word: whoever looks for the reason looks into the log. */
    @Test
    void theLogSaysOnceThatALimitIsReachedHoweverManyCome() throws Exception {
        InetSocketAddress address =
                serve(ServerOptions.DEFAULT.withConnectionsMax(2).withConnectionsPerAddressMax(1));
        try (LogLines log = LogLines.listen(RefusalNews.class);
                Socket one = welcomed(address, "127.0.0.1")) {
            for (int i = 0; i < 5; i++) {
                assertRefused(address, "127.0.0.1");
            }
            try (Socket two = welcomed(address, "127.0.0.2")) {
                for (int i = 0; i < 5; i++) {
                    assertRefused(address, "127.0.0.3");
                }
                assertTrue(one.isConnected() && two.isConnected());
            }
            assertEquals(
                    List.of(
                            "WARN limit=address refused=1 last=127.0.0.1: connections are closed as soon as they are"
                                    + " accepted: 1 are open from its address, as many as max-connections-per-address"
                                    + " allows",
                            "WARN limit=overall refused=1 last=127.0.0.3: connections are closed as soon as they are"
                                    + " accepted: 2 are open, as many as max-connections allows"),
                    log.all());
        }
    }

    /** Those who are there go on. */
    @Test
    void nobodyComesInWhileWhatIsToBeToldOfOthersIsNotTold() throws Exception {
        AtomicBoolean behind = new AtomicBoolean();
        InetSocketAddress address = serve(ServerOptions.DEFAULT, new ConnectionWatch() {
            @Override
            public void opened(Visit visit) {}

            @Override
            public void closed(Visit visit) {}

            @Override
            public boolean isBehind() {
                return behind.get();
            }
        });
        try (RawNbd early = RawNbd.haggling(address)) {
            behind.set(true);
            assertRefused(address, "127.0.0.1");
            early.go("disk");
            assertEquals(0, early.read(0, 512).error());
            behind.set(false);
            welcomed(address, "127.0.0.1").close();
        }
        assertEquals(1, refusals.countOf(ConnectionRefusal.AUDIT));
    }

    @Test
    void whoIsCutOffInTheHandshakeGivesItsPlaceBack() throws Exception {
        InetSocketAddress address =
                serve(ServerOptions.DEFAULT.withConnectionsPerAddressMax(1).withHandshakeTimeoutMillis(50));
        for (int served = 0; served < 3; ) {
            // The client may hear of the end a moment before its place is free.
            try (Socket slow = connected(address, "127.0.0.1")) {
                if (read(slow) >= 0) {
                    served++;
                    assertEquals(17, slow.getInputStream().readNBytes(17).length);
                    assertEquals(-1, read(slow));
                }
            }
        }
    }

    @Test
    void aTrickleOfBytesDoesNotProlongTheHandshake() throws Exception {
        InetSocketAddress address = serve(ServerOptions.DEFAULT.withHandshakeTimeoutMillis(200));
        try (Socket slow = welcomed(address, "127.0.0.1")) {
            slow.setTcpNoDelay(true);
            slow.setSoTimeout(10);
            byte[] said = RawNbd.bytes(data -> {
                data.writeInt(3);
                data.writeLong(NbdMagic.OPTION);
                data.writeInt(99);
                data.writeInt(65_536);
                data.write(new byte[65_536]);
            });
            // At one byte each 10 ms it would last eleven minutes, were the deadline put off by each.
            assertTrue(sendUntilClosed(slow, said) < said.length);
        }
    }

    private static int sendUntilClosed(Socket slow, byte[] said) {
        for (int sent = 0; sent < said.length; sent++) {
            try {
                slow.getOutputStream().write(said[sent]);
                if (slow.getInputStream().read() < 0) {
                    return sent;
                }
            } catch (SocketTimeoutException stillOpen) {
                // Then comes the next byte.
            } catch (IOException reset) {
                return sent;
            }
        }
        return said.length;
    }
}
