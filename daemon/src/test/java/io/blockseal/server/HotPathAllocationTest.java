package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.block.PayloadWork;
import io.blockseal.export.Export;
import io.blockseal.export.ExportBudget;
import io.blockseal.export.LossLedger;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A request costs the loop no garbage: a real server on a unix socket, a client on another thread, and the bytes that
 * the loop's thread allocated in between.
 */
@Timeout(120)
class HotPathAllocationTest {
    @RegisterExtension
    static final GarbageMeter METER = new GarbageMeter();

    private static final int FILE_BYTES = 32 << 20;

    private ServerRig rig;

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
        double perRequest = measure("limited", new GarbageMeter.Load(NbdCommand.READ, 4096), 20_000);
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
            double perRequest = measure("file", new GarbageMeter.Load(command, length), 2_000);
            if (storage == Storage.DIRECT) {
                assumeTrue(store.ringRequestCount() > 0, "no io_uring here: threads did it");
            } else if (length >= PayloadWork.BYTES_MIN && Runtime.getRuntime().availableProcessors() > 1) {
                assertTrue(METER.ranBeside(), "no call was made beside the loop");
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
        GarbageMeter.Load load = new GarbageMeter.Load(command, length, style, depth);
        return measure("disk", load, length > 65536 ? 4_000 : 20_000);
    }

    private double measure(String export, GarbageMeter.Load load, int requests) throws Exception {
        double wanted = load.length() > 65536 ? 16 : 1;
        return METER.perRequest(rig, RawNbd.haggling(rig.socket), export, load, requests, wanted);
    }
}
