package io.blockseal.transfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.ThreadLoop;
import io.blockseal.client.NbdTransport;
import io.blockseal.export.Export;
import io.blockseal.export.ExportRegistry;
import io.blockseal.job.JobControl;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.nbd.NbdUri;
import io.blockseal.server.IoLoops;
import io.blockseal.server.NbdServer;
import io.blockseal.server.ServerOptions;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Transfers to and from our own server, in this process. */
class NbdDeviceTest {
    private static final int SIZE = 20 * Bench.MIB + 512;

    @TempDir
    Path directory;

    private final MemoryStore here = new MemoryStore("here", SIZE);
    private final MemoryStore there = new MemoryStore("there", SIZE + 4096);
    private final ThreadLoop loop = new ThreadLoop(0);
    private IoLoops loops;
    private NbdServer server;
    private NbdTransport transport;
    private Path socket;

    @BeforeEach
    void serve() throws Exception {
        // A socket's name is short; a test's directory may not be.
        socket = Files.createTempDirectory("nbd").resolve("s");
        ExportRegistry exports = new ExportRegistry();
        exports.add(new Export("disk", "", there, false, new ExportMetrics("disk", 1)));
        exports.add(new Export("other", "", here, true, new ExportMetrics("other", 1)));
        loops = IoLoops.start(1, IoLoops.BUFFER_BYTES_MIN, new JvmMemorySource());
        server = new NbdServer(loops, exports, ServerOptions.DEFAULT);
        server.listenUnix(socket);
        transport = NbdTransport.open(1);
    }

    @AfterEach
    void stop() throws Exception {
        loop.close();
        transport.close();
        server.close();
        loops.close();
        Files.deleteIfExists(socket);
        Files.delete(socket.getParent());
    }

    private NbdDevice connect(String export) throws TransferException {
        return NbdDevice.connect(transport, NbdUri.unix(socket.toString(), export));
    }

    private static Side side(NbdDevice device) {
        return Side.disk("nbd", device, Fingerprint::empty)
                .withTrouble(device::trouble)
                .withKind(device.zeroes() ? Side.Kind.DISK : Side.Kind.WITHOUT_ZEROING);
    }

    private TransferReport copy(Side from, Side to, boolean force) throws Exception {
        return Transfer.run(
                loop, from, to, CheckpointFile.none(), TransferOptions.DEFAULT.forced(force), JobControl.ALONE);
    }

    @Test
    void whatIsCopiedInAndOutIsTheSame() throws Exception {
        Bench.fill(here, 1);
        Bench.fill(there, 2);
        Side local = Side.disk("here", here, Fingerprint::empty);
        try (NbdDevice device = connect("disk")) {
            TransferReport in = copy(local, side(device), true);
            assertTrue(in.verified());
            assertArrayEquals(here.peek(0, SIZE), there.peek(0, SIZE));
            assertArrayEquals(new byte[4096], there.peek(SIZE, 4096), "the rest is zeros");
            assertTrue(there.operations().stream().anyMatch(done -> done.kind() == Kind.FLUSH));
            MemoryStore back = new MemoryStore("back", SIZE + 4096);
            TransferReport out = copy(side(device), Side.disk("back", back, Fingerprint::empty), false);
            assertArrayEquals(here.peek(0, SIZE), back.peek(0, SIZE));
            assertEquals(out.sourceSha256(), out.targetSha256());
            assertTrue(out.dataBytes() < SIZE, "holes came over as holes");
        }
    }

    @Test
    void aServerThatRefusesToWriteIsQuoted() throws Exception {
        try (NbdDevice device = connect("other")) {
            TransferException failed = assertThrows(
                    TransferException.class,
                    () -> copy(Side.disk("there", filled(), Fingerprint::empty), side(device), false));
            assertTrue(failed.getMessage().contains("nbd: cannot be written at offset 0"), failed.getMessage());
        }
    }

    private static MemoryStore filled() {
        MemoryStore store = new MemoryStore("filled", Bench.MIB);
        store.poke(0, new byte[] {1, 2, 3});
        return store;
    }

    @Test
    void aServerThatDiesIsAnErrorAndNotAHang() throws Exception {
        Bench.fill(here, 3);
        try (NbdDevice device = connect("disk")) {
            server.close();
            TransferException failed = assertThrows(
                    TransferException.class,
                    () -> copy(Side.disk("here", here, Fingerprint::empty), side(device), true));
            assertEquals(TransferException.Kind.BROKEN, failed.kind(), failed.getMessage());
        }
    }

    @Test
    void anExportThatIsNotThereIsRefusedInTheServersWords() {
        TransferException refused = assertThrows(TransferException.class, () -> connect("nothing"));
        assertTrue(refused.getMessage().contains("there is no export of that name"), refused.getMessage());
    }
}
