package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.export.Export;
import io.blockseal.export.ExportBudget;
import io.blockseal.export.LossLedger;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.tls.CertificateTls;
import io.blockseal.server.tls.Credentials;
import io.blockseal.server.tls.TestAuthority;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsLibrary;
import io.blockseal.server.tls.TlsMode;
import io.blockseal.shim.ShimLibrary;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * All of it together, from the socket to the file: an encrypted volume, its keys and its cipher, behind the server, on a
 * unix socket and within TLS.
 */
@Timeout(120)
class WholeStackAllocationTest {
    @RegisterExtension
    static final GarbageMeter METER = new GarbageMeter();

    @TempDir
    static Path folder;

    private static VolumeDisk volume;
    private static ServerRig rig;
    private static TestAuthority authority;
    private static TestAuthority.Pair shown;

    @BeforeAll
    static void serve() throws Exception {
        authority = new TestAuthority(folder, "ours");
        shown = authority.forServer();
        assumeTrue(ShimLibrary.open().isPresent(), "without the native library threads make all calls");
        volume = new VolumeDisk(ServerRig.DISK_BYTES);
        rig = new ServerRig(ServerOptions.DEFAULT, volume.memory());
        rig.exports.add(new Export(
                "volume",
                "",
                volume.device(),
                false,
                new ExportMetrics("volume", ServerRig.LOOPS),
                LossLedger.ofNone(ServerRig.LOOPS),
                List.of(ServerRig.FIVE_EVERYWHERE),
                ExportBudget.UNLIMITED));
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "volume", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, nbd.write(0, 0, new byte[16 << 18]).error(), "filling what the requests are for");
        }
    }

    @AfterAll
    static void end() throws IOException {
        if (rig != null) {
            rig.close();
            volume.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"WRITE, 4096", "READ, 4096", "WRITE, 512", "READ, 512", "WRITE, 65536", "READ, 65536", "CACHE, 4096"})
    void aRequestAllocatesLessThanOneByte(NbdCommand command, int length) throws Exception {
        double perRequest = onUnixSocket(command, length, 1);
        assertTrue(perRequest < 1.0, () -> command + " allocates " + perRequest + " bytes per request");
    }

    /** Holes are made, and looked for, by a thread beside the loop, to which the call goes in a node of a queue. */
    @ParameterizedTest
    @CsvSource({"WRITE_ZEROES, 4096", "TRIM, 4096", "BLOCK_STATUS, 4096"})
    void whatGoesToAnotherThreadCostsAFewBytes(NbdCommand command, int length) throws Exception {
        double perRequest = onUnixSocket(command, length, 80);
        assertTrue(perRequest < 80.0, () -> command + " allocates " + perRequest + " bytes per request");
    }

    private static double onUnixSocket(NbdCommand command, int length, double wanted) throws Exception {
        RawNbd nbd = RawNbd.haggling(rig.socket);
        return METER.perRequest(rig, nbd, "volume", new GarbageMeter.Load(command, length), 10_000, wanted);
    }

    /**
     * Netty and the TLS library make some objects for each record of up to 16 KiB, of which Java's are larger. Small
     * requests share a record, large ones take 17 of them.
     */
    @ParameterizedTest
    @CsvSource({
        "BORINGSSL, WRITE, 4096, 200",
        "BORINGSSL, READ, 4096, 200",
        "BORINGSSL, WRITE, 262144, 12000",
        "BORINGSSL, READ, 262144, 12000",
        "JAVA, WRITE, 4096, 3000",
        "JAVA, READ, 4096, 3000",
        "JAVA, WRITE, 262144, 120000",
        "JAVA, READ, 262144, 120000"
    })
    void withinTlsItAllocatesNoMoreThanItsRecordsTake(TlsLibrary library, NbdCommand command, int length, int most)
            throws Exception {
        CertificateTls certificate = CertificateTls.of(library, shown.chain(), shown.secret(), List.of(), false);
        TlsEndpoint endpoint =
                new TlsEndpoint(new Credentials(certificate, null), new TlsFigures(), ForkJoinPool.commonPool());
        InetSocketAddress address =
                rig.server.listenTcp(new InetSocketAddress("127.0.0.1", 0), new Protection(TlsMode.REQUIRED, endpoint));
        RawNbd nbd = RawNbd.haggling(address);
        nbd.startTls(authority.client(null));
        GarbageMeter.Load load = new GarbageMeter.Load(command, length);
        double perRequest = METER.perRequest(rig, nbd, "volume", load, length > 65536 ? 320 : 4_800, most);
        assertTrue(perRequest < most, () -> library + " " + load + ": " + perRequest + " bytes per request");
    }
}
