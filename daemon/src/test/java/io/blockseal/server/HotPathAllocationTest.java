package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.blockseal.block.PayloadWork;
import io.blockseal.export.Export;
import io.blockseal.export.ExportBudget;
import io.blockseal.export.LossLedger;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdRequestHeader;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A request costs the loop no garbage: a real server on a unix socket, a client on another thread, and the bytes that
 * the loop's thread allocated in between.
 */
@Timeout(120)
class HotPathAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static ResourceLeakDetector.Level levelBefore = ResourceLeakDetector.getLevel();

    private static final int FILE_BYTES = 32 << 20;

    private ServerRig rig;
    private ByteBuffer outgoing;
    private ByteBuffer incoming;

    /** The leak detector makes an object for each buffer it watches. */
    @BeforeAll
    static void withoutLeakDetector() {
        levelBefore = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }

    @AfterAll
    static void withLeakDetector() {
        ResourceLeakDetector.setLevel(levelBefore);
    }

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
    }

    @ParameterizedTest(name = "{0} {1} bytes, {2}, depth {3}")
    @CsvSource({
        "READ, 4096, SIMPLE, 16",
        "READ, 4096, STRUCTURED, 16",
        "READ, 4096, EXTENDED, 16",
        "READ, 262144, STRUCTURED, 1",
        "WRITE, 4096, SIMPLE, 16",
        "WRITE, 4096, STRUCTURED, 16",
        "WRITE, 262144, STRUCTURED, 1",
        "WRITE, 262144, STRUCTURED, 16",
        "FLUSH, 0, STRUCTURED, 16",
        "TRIM, 4096, STRUCTURED, 16",
        "WRITE_ZEROES, 4096, STRUCTURED, 16",
        "CACHE, 4096, STRUCTURED, 16",
        "BLOCK_STATUS, 4096, STRUCTURED, 16"
    })
    void aRequestAllocatesLessThanOneByte(NbdCommand command, int length, NbdReplyStyle style, int depth)
            throws Exception {
        double perRequest = measure(command, length, style, depth);
        assertTrue(perRequest < 1.0, () -> command + " allocates " + perRequest + " bytes per request");
    }

    /** Asking whether the export's limit is reached. */
    @Test
    void aLimitThatIsNotReachedAllocatesNothing() throws Exception {
        rig.exports.add(new Export(
                "limited",
                "",
                rig.disk,
                false,
                new ExportMetrics("limited", ServerRig.LOOPS),
                LossLedger.ofNone(ServerRig.LOOPS),
                List.of(),
                new ExportBudget(100_000_000, 1L << 50)));
        double perRequest = measure("limited", NbdCommand.READ, 4096, NbdReplyStyle.STRUCTURED, 16, 20_000);
        assertTrue(perRequest < 1.0, () -> "a limit allocates " + perRequest + " bytes per request");
    }

    /**
     * With more replies on the way than the socket takes, Netty makes two small objects each time it asks to be told
     * when there is room again; that is once for some megabytes.
     */
    @Test
    void aFullSocketCostsAFewBytes() throws Exception {
        double perRequest = measure(NbdCommand.READ, 262144, NbdReplyStyle.STRUCTURED, 16);
        assertTrue(perRequest < 16.0, () -> "READ allocates " + perRequest + " bytes per request");
    }

    /** Down to a file: what the page cache has and what it takes, and what goes through a ring. */
    @ParameterizedTest(name = "{0}: {1} {2} bytes")
    @CsvSource({"CACHED, READ, 4096", "CACHED, WRITE, 4096", "DIRECT, READ, 4096", "DIRECT, WRITE, 4096"})
    void aRequestToAFileAllocatesLessThanOneByte(Storage storage, NbdCommand command, int length) throws Exception {
        double perRequest = measure(storage, command, length);
        assertTrue(perRequest < 1.0, () -> command + " allocates " + perRequest + " bytes per request");
    }

    /**
     * A call that is made beside the loop takes a node of the pool's queue, and one more if its thread had to be woken; not
     * for each call while the lane is never empty. The threads beside the loops are counted, too.
     */
    @ParameterizedTest(name = "{0}: {1} {2} bytes")
    @CsvSource({
        "CACHED, READ, 262144",
        "CACHED, WRITE, 262144",
        "MEMORY, READ, 262144",
        "MEMORY, WRITE, 262144",
        "DIRECT, READ, 262144"
    })
    void aLargeRequestToAFileCostsAFewBytes(Storage storage, NbdCommand command, int length) throws Exception {
        double perRequest = measure(storage, command, length);
        assertTrue(perRequest < 80.0, () -> command + " allocates " + perRequest + " bytes per request");
    }

    private double measure(Storage storage, NbdCommand command, int length) throws Exception {
        ShimLibrary library = ShimLibrary.open();
        assumeTrue(library.isPresent(), () -> "native shim absent: " + library.reason());
        ShimMemorySource memory = new ShimMemorySource(Objects.requireNonNull(library.shim()));
        FileStores stores = FileStores.withShim(Objects.requireNonNull(library.shim()), memory);
        rig.close();
        rig = new ServerRig(ServerOptions.DEFAULT, memory);
        Path folder = storage.folder();
        Path file = folder.resolve("f");
        try (BlockStore fresh = stores.create(file, StoreOptions.BUFFERED)) {
            fresh.grow(FILE_BYTES);
            fresh.write(0, ByteBuffer.allocate(FILE_BYTES));
            fresh.flush();
        }
        try (BlockStore store = stores.open(file, new StoreOptions(false, storage == Storage.DIRECT))) {
            rig.export("file", store, false);
            double perRequest = measure("file", command, length, NbdReplyStyle.STRUCTURED, 16, 2_000);
            if (storage == Storage.DIRECT) {
                assumeTrue(store.ringRequestCount() > 0, "no io_uring here: threads did it");
            } else if (length >= PayloadWork.BYTES_MIN && Runtime.getRuntime().availableProcessors() > 1) {
                assertTrue(ranBeside(), "no call was made beside the loop");
            }
            return perRequest;
        } finally {
            Files.delete(file);
            Files.delete(folder);
        }
    }

    /** Where the file is and how it is opened. */
    enum Storage {
        /** Beside the build, on whatever disk that lies. */
        CACHED("target"),
        DIRECT("target"),
        MEMORY("/dev/shm");

        private final String place;

        Storage(String place) {
            this.place = place;
        }

        Path folder() throws IOException {
            assumeTrue(Files.isWritable(Path.of(place)), "no " + place);
            return Files.createTempDirectory(Path.of(place), "allocation");
        }
    }

    private double measure(NbdCommand command, int length, NbdReplyStyle style, int depth) throws Exception {
        return measure("disk", command, length, style, depth, length > 65536 ? 4_000 : 20_000);
    }

    private double measure(String export, NbdCommand command, int length, NbdReplyStyle style, int depth, int requests)
            throws Exception {
        double least = Double.MAX_VALUE;
        try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
            nbd.negotiate(style);
            if (style != NbdReplyStyle.SIMPLE) {
                nbd.option(
                        NbdOption.SET_META_CONTEXT.code(),
                        RawNbd.metaQuery(export, "base:allocation", ServerRig.MAPPED));
            }
            nbd.go(export);
            prepare(command, length, style, depth);
            rounds(nbd.channel, 2 * requests / depth);
            // The compiler may still be at work in one of the rounds, and allocates on its way in.
            for (int round = 0; round < 3; round++) {
                long before = allocated();
                rounds(nbd.channel, requests / depth);
                least = Math.min(least, (allocated() - before) / (double) requests);
            }
        }
        System.out.printf(
                "allocation %s %s %d %s depth %d: %.3f bytes per request%n",
                export, command, length, style, depth, least);
        rig.assertEverythingIsBack();
        return least;
    }

    /** Makes the bytes of {@code depth} requests and learns how many bytes answer them. */
    private void prepare(NbdCommand command, int length, NbdReplyStyle style, int depth) {
        boolean write = command == NbdCommand.WRITE;
        int header = style.requestHeaderBytes();
        int payload = write ? length : 0;
        ByteBuf requests = Unpooled.directBuffer(depth * (header + payload));
        for (int i = 0; i < depth; i++) {
            int flags = write && style == NbdReplyStyle.EXTENDED ? 32 : 0;
            long offset = command == NbdCommand.FLUSH ? 0 : (long) i * Math.max(length, 4096);
            NbdRequestHeader.encode(style, requests, requests.writerIndex(), flags, command.code(), i, offset, length);
            requests.writerIndex(requests.writerIndex() + header);
            requests.writeZero(payload);
        }
        outgoing = requests.nioBuffer();
        boolean inChunks = command == NbdCommand.READ || command == NbdCommand.BLOCK_STATUS;
        int reply = style == NbdReplyStyle.STRUCTURED && !inChunks
                ? NbdReplyStyle.SIMPLE.replyHeaderBytes()
                : style.replyHeaderBytes();
        if (command == NbdCommand.READ) {
            reply += length + (style.isChunked() ? 8 : 0);
        } else if (command == NbdCommand.BLOCK_STATUS) {
            // One extent of what the device knows, and one of what is told from memory.
            reply = 2 * (reply + 12);
        }
        incoming = ByteBuffer.allocateDirect(reply * depth);
    }

    private void rounds(SocketChannel channel, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            outgoing.rewind();
            incoming.clear();
            // Small pieces in turn, so that neither side waits for the other with its buffers full.
            while (outgoing.hasRemaining()) {
                channel.write(outgoing);
            }
            while (incoming.hasRemaining()) {
                if (channel.read(incoming) < 0) {
                    throw new IOException("the server closed");
                }
            }
        }
    }

    private static LongStream besides() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("lane-"))
                .mapToLong(Thread::getId);
    }

    private static boolean ranBeside() {
        return besides().anyMatch(id -> THREADS.getThreadCpuTime(id) > 0);
    }

    /** By the loops, and by threads that make calls to files. */
    private long allocated() throws InterruptedException {
        long sum = besides().map(THREADS::getThreadAllocatedBytes).sum();
        for (NettyIoLoop loop : rig.loops.netty()) {
            long id = ServerRig.onLoop(loop, () -> Thread.currentThread().getId());
            sum += THREADS.getThreadAllocatedBytes(id);
        }
        return sum;
    }
}
