package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.block.BlockDevice;
import io.blockseal.block.Geometry;
import io.blockseal.export.Export;
import io.blockseal.export.ExportBudget;
import io.blockseal.export.ExportContext;
import io.blockseal.export.ExportRegistry;
import io.blockseal.export.LossLedger;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.MemorySource;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.RefusalFigures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * A server with two loops on a unix socket, for one test: {@code disk} (32 MiB), {@code readonly} (1 MiB), {@code plain}
 * (1 MiB, neither trim nor fast zero), {@code big} (8 GiB + 512).
 */
final class ServerRig implements AutoCloseable {
    static final int LOOPS = 2;
    static final long DISK_BYTES = 32 << 20;
    static final long BIG_BYTES = (8L << 30) + 512;

    final MemoryDevice disk = new MemoryDevice(DISK_BYTES);
    final MemoryDevice readonly = new MemoryDevice(1 << 20);
    /** A metadata context of "disk": 5 everywhere. */
    static final String MAPPED = "rig:five";

    static final ExportContext FIVE_EVERYWHERE = new ExportContext(MAPPED, (offset, length, out) -> out.add(length, 5));

    final MemoryDevice plain = new MemoryDevice(new Geometry(1 << 20, 1, 4096, false, false, false, true));
    final MemoryDevice big = new MemoryDevice(BIG_BYTES);
    final ExportMetrics metrics = new ExportMetrics("disk", LOOPS);
    final ExportRegistry exports = new ExportRegistry();
    /** Who was refused, or cut off. */
    final RefusalFigures refusals = new RefusalFigures();

    final IoLoops loops;
    final NbdServer server;
    final Path directory;
    final Path socket;

    ServerRig() throws IOException {
        this(ServerOptions.DEFAULT);
    }

    ServerRig(ServerOptions options) throws IOException {
        this(options, new JvmMemorySource());
    }

    ServerRig(ServerOptions options, MemorySource memory) throws IOException {
        directory = Files.createTempDirectory("nbd");
        socket = directory.resolve("s");
        exports.add(new Export(
                "disk",
                "thirty-two MiB",
                disk,
                false,
                metrics,
                new LossLedger(disk.losses::get, LOOPS),
                List.of(FIVE_EVERYWHERE),
                ExportBudget.UNLIMITED));
        export("readonly", readonly, true);
        export("plain", plain, false);
        export("big", big, false);
        loops = IoLoops.start(LOOPS, IoLoops.BUFFER_BYTES_MIN, memory);
        server = new NbdServer(loops, exports, options, ConnectionWatch.NOBODY, refusals);
        server.listenUnix(socket);
    }

    /** One more. */
    void export(String name, BlockDevice device, boolean readOnly) {
        exports.add(new Export(name, "", device, readOnly, new ExportMetrics(name, LOOPS)));
    }

    /** How many data buffers are out, on all loops. */
    int buffersLeased() {
        return loops.netty().stream()
                .mapToInt(loop -> loop.buffers().leasedCount())
                .sum();
    }

    long bufferBytesLeased() {
        return loops.netty().stream()
                .mapToLong(loop -> loop.buffers().leasedBytes())
                .sum();
    }

    /** Waits until every connection is gone; then nothing may be out. */
    void assertEverythingIsBack() throws InterruptedException {
        while (server.connectionCount() > 0) {
            Thread.onSpinWait();
            if (Thread.interrupted()) {
                throw new InterruptedException(server.connectionCount() + " connections are left");
            }
        }
        for (NettyIoLoop loop : loops.netty()) {
            String where = "loop " + loop.index() + ": ";
            int[] out = onLoop(loop, () -> new int[] {
                loop.buffers().leasedCount(),
                loop.receiveBuffers().leasedCount(),
                loop.requests().leasedCount(),
                loop.operations().leasedCount(),
                (int) loop.share().besideBytes()
            });
            assertEquals(0, out[0], where + "data buffers");
            assertEquals(0, out[1], where + "receive buffers");
            assertEquals(0, out[2], where + "requests");
            assertEquals(0, out[3], where + "operations");
            assertEquals(0, out[4], where + "bytes beside the buffers");
            assertEquals(0, metrics.recorder(loop.index()).inFlight(), where + "in flight");
            assertEquals(0, metrics.recorder(loop.index()).connections(), where + "connections");
        }
        assertEquals(0, disk.channelsOpen.get(), "device channels");
    }

    /** The end of a test: it closes in any case, and nothing may be out. */
    void closeWithEverythingBack() throws Exception {
        try {
            assertEverythingIsBack();
        } finally {
            close();
        }
    }

    /** Each loop has a turn. */
    void letLoopsTurn() throws InterruptedException {
        for (NettyIoLoop loop : loops.netty()) {
            onLoop(loop, () -> 0);
        }
    }

    /** Runs something on a loop's thread. */
    static <T> T onLoop(NettyIoLoop loop, java.util.function.Supplier<T> work) throws InterruptedException {
        CompletableFuture<T> done = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                done.complete(work.get());
            } catch (Throwable t) {
                done.completeExceptionally(t);
            }
        });
        try {
            return done.get();
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        loops.close();
        Files.deleteIfExists(socket);
        Files.deleteIfExists(directory);
    }
}
