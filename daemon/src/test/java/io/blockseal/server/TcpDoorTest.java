package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.admin.AdminServer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is named is open and nothing else: a firewall for IPv4 alone would not keep anybody from an address of IPv6. */
@Timeout(60)
class TcpDoorTest {
    private ServerRig rig;
    private NbdServer server;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
        server = new NbdServer(rig.loops, rig.exports, ServerOptions.DEFAULT);
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        rig.close();
    }

    private static InetSocketAddress every(String address, int port) throws IOException {
        return new InetSocketAddress(InetAddress.getByName(address), port);
    }

    private static boolean hasIpv6() throws SocketException {
        return NetworkInterface.networkInterfaces()
                .flatMap(each -> each.inetAddresses())
                .anyMatch(address -> address instanceof Inet6Address && address.isLoopbackAddress());
    }

    private static void greets(String host, int port) throws IOException {
        try (Socket socket = new Socket(host, port)) {
            assertEquals(18, socket.getInputStream().readNBytes(18).length);
        }
    }

    @Test
    void everyAddressOfIpv4IsNoneOfIpv6() throws Exception {
        assumeTrue(hasIpv6(), "this host has no IPv6");
        try (LogLines log = LogLines.listen(NbdServer.class)) {
            int port = server.listenTcp(every("0.0.0.0", 0)).getPort();
            assertEquals(List.of("INFO listening on tcp 0.0.0.0:" + port + " tls=OFF"), log.all());
            greets("127.0.0.1", port);
            assertThrows(ConnectException.class, () -> greets("::1", port));
        }
    }

    @Test
    void everyAddressOfIpv6IsNoneOfIpv4AndBothMayBeNamed() throws Exception {
        assumeTrue(hasIpv6(), "this host has no IPv6");
        try (LogLines log = LogLines.listen(NbdServer.class)) {
            int port = server.listenTcp(every("::", 0)).getPort();
            greets("::1", port);
            assertThrows(ConnectException.class, () -> greets("127.0.0.1", port));
            server.listenTcp(every("0.0.0.0", port));
            greets("127.0.0.1", port);
            assertEquals(
                    List.of(
                            "INFO listening on tcp [::]:" + port + " tls=OFF",
                            "INFO listening on tcp 0.0.0.0:" + port + " tls=OFF"),
                    log.all());
        }
    }

    @Test
    void soItIsWithTheAdminPages() throws Exception {
        assumeTrue(hasIpv6(), "this host has no IPv6");
        try (AdminServer four = AdminServer.start(every("0.0.0.0", 0), Map.of());
                AdminServer six = AdminServer.start(every("::", four.address().getPort()), Map.of())) {
            int port = six.address().getPort();
            new Socket("127.0.0.1", port).close();
            new Socket("::1", port).close();
            six.close();
            assertThrows(ConnectException.class, () -> new Socket("::1", port).close());
            new Socket("127.0.0.1", port).close();
        }
    }
}
