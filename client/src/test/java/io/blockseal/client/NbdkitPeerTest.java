package io.blockseal.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdError;
import io.blockseal.nbd.NbdOptionReply;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.nbd.NbdUri;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The client against nbdkit: what two implementations that share no code agree on. */
@Tag("peer")
class NbdkitPeerTest {
    private static final NbdTransport TRANSPORT = NbdTransport.open(1);

    @TempDir
    Path directory;

    @AfterAll
    static void closeTransport() {
        TRANSPORT.close();
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(30, TimeUnit.SECONDS);
    }

    private static Throwable failure(CompletableFuture<?> future) {
        Throwable cause = assertThrows(ExecutionException.class, () -> future.get(30, TimeUnit.SECONDS))
                .getCause();
        assertNotNull(cause);
        return cause;
    }

    private NbdClient connect(PeerServer server, NbdClientOptions.Builder options) throws Exception {
        return get(NbdClient.connect(TRANSPORT, server.uri(""), options.build()));
    }

    private static byte[] pattern(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Nested
    class Handshakes {
        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        void everyStyleReadsWhatWasWritten(boolean structured) throws Exception {
            try (PeerServer server = PeerServer.nbdkit(directory, "memory", "4M")) {
                NbdClient client = connect(server, NbdClientOptions.builder().structuredReplies(structured));
                assertEquals(
                        structured ? NbdReplyStyle.STRUCTURED : NbdReplyStyle.SIMPLE,
                        client.session().style());
                assertEquals(4 << 20, client.session().sizeBytes());
                byte[] data = pattern(100_001, 1);
                get(client.write(12_345, Unpooled.wrappedBuffer(data), NbdCommandFlags.NONE));
                assertArrayEquals(data, get(client.read(12_345, data.length)));
                get(client.disconnect());
            }
        }

        @Test
        void exportNameIsTheFallback() throws Exception {
            try (PeerServer server = PeerServer.nbdkit(directory, "--mask-handshake=0", "memory", "1M")) {
                NbdClient client = connect(server, NbdClientOptions.builder());
                assertEquals(NbdReplyStyle.SIMPLE, client.session().style());
                assertEquals(1024, get(client.read(0, 1024)).length);
                get(client.disconnect());
            }
        }

        @Test
        void exportNameWithoutPaddingAndWithStructuredReplies() throws Exception {
            try (PeerServer server = PeerServer.nbdkit(directory, "memory", "1M")) {
                NbdClient client = connect(server, NbdClientOptions.builder().go(false));
                assertEquals(NbdReplyStyle.STRUCTURED, client.session().style());
                assertEquals(1 << 20, client.session().sizeBytes());
                get(client.disconnect());
            }
        }

        @Test
        void oldstyleIsRefusedWithItsName() throws Exception {
            try (PeerServer server = PeerServer.nbdkit(directory, "-o", "memory", "1M")) {
                Throwable failure = failure(NbdClient.connect(TRANSPORT, server.uri(""), NbdClientOptions.DEFAULT));
                assertInstanceOf(NbdProtocolException.class, failure);
                assertTrue(failure.getMessage().contains("oldstyle"), failure.getMessage());
            }
        }

        @Test
        void aMissingExportIsToldByItsReason() throws Exception {
            Files.write(directory.resolve("disc"), new byte[4096]);
            try (PeerServer server = PeerServer.nbdkit(directory, "file", "dir=" + directory)) {
                NbdRefusedException refused = assertInstanceOf(
                        NbdRefusedException.class,
                        failure(NbdClient.connect(TRANSPORT, server.uri("none"), NbdClientOptions.DEFAULT)));
                assertEquals(NbdOptionReply.ERR_UNKNOWN, refused.reason());
                NbdClient client = get(NbdClient.connect(TRANSPORT, server.uri("disc"), NbdClientOptions.DEFAULT));
                assertEquals(4096, client.session().sizeBytes());
                get(client.disconnect());
            }
        }

        @Test
        void exportsAreListedAndDescribed() throws Exception {
            Path exports = Files.createDirectory(directory.resolve("exports"));
            for (String name : List.of("one", "two", "Übung drei")) {
                Files.write(exports.resolve(name), new byte[512]);
            }
            try (PeerServer server = PeerServer.nbdkit(directory, "file", "dir=" + exports)) {
                List<String> names = new ArrayList<>();
                get(NbdClient.list(TRANSPORT, server.uri(""), NbdClientOptions.DEFAULT))
                        .forEach(entry -> names.add(entry.name()));
                names.sort(null);
                assertEquals(List.of("one", "two", "Übung drei"), names);
                NbdSession described =
                        get(NbdClient.describe(TRANSPORT, server.uri("Übung drei"), NbdClientOptions.DEFAULT));
                assertEquals(512, described.sizeBytes());
                assertTrue(described.has(NbdTransmissionFlags.HAS_FLAGS));
            }
        }

        @Test
        void overNioAndTcp() throws Exception {
            try (NbdTransport nio = NbdTransport.openNio(1)) {
                int port = freePort();
                try (PeerServer server = PeerServer.nbdkitOnPort(directory, port, "memory", "1M")) {
                    for (NbdTransport each : List.of(TRANSPORT, nio)) {
                        NbdClient client = get(NbdClient.connect(each, server.uri(""), NbdClientOptions.DEFAULT));
                        get(client.write(0, Unpooled.wrappedBuffer(pattern(4096, 2)), NbdCommandFlags.NONE));
                        assertArrayEquals(pattern(4096, 2), get(client.read(0, 4096)));
                        get(client.disconnect());
                    }
                }
                try (PeerServer server = PeerServer.nbdkit(directory, "memory", "1M")) {
                    NbdClient client = get(NbdClient.connect(nio, server.uri(""), NbdClientOptions.DEFAULT));
                    assertEquals(1 << 20, client.session().sizeBytes());
                    get(client.disconnect());
                }
            }
        }

        private static int freePort() throws IOException {
            try (ServerSocket free = new ServerSocket(0)) {
                return free.getLocalPort();
            }
        }

        @Test
        void nobodyListening() {
            Throwable failure = failure(NbdClient.connect(
                    TRANSPORT, NbdUri.unix(directory.resolve("none").toString(), ""), NbdClientOptions.DEFAULT));
            assertInstanceOf(NbdDisconnectedException.class, failure);
        }
    }

    @Nested
    class Commands {
        @Test
        void blockStatusZeroTrimCacheAndFlush() throws Exception {
            try (PeerServer server = PeerServer.nbdkit(directory, "memory", "1M")) {
                NbdClient client = connect(server, NbdClientOptions.builder());
                byte[] data = pattern(65536, 3);
                get(client.write(65536, Unpooled.wrappedBuffer(data), NbdCommandFlags.FUA));
                List<NbdExtent> extents = extents(client, 0, 1 << 20, NbdCommandFlags.NONE);
                assertEquals(
                        List.of(new NbdExtent(65536, 3), new NbdExtent(65536, 0), new NbdExtent((1 << 20) - 131072, 3)),
                        extents);
                assertTrue(extents.get(0).isHole() && extents.get(0).isZero());
                assertEquals(List.of(new NbdExtent(4096, 0)), extents(client, 65536, 4096, NbdCommandFlags.REQ_ONE));
                get(client.cache(0, 1 << 20));
                get(client.writeZeroes(65536, 32768, NbdCommandFlags.NO_HOLE));
                get(client.trim(98304, 32768, NbdCommandFlags.NONE));
                get(client.flush());
                assertArrayEquals(new byte[32768], get(client.read(65536, 32768)));
                get(client.disconnect());
            }
        }

        private static List<NbdExtent> extents(NbdClient client, long offset, long length, int flags) throws Exception {
            List<NbdExtent> extents =
                    get(client.blockStatus(offset, length, flags)).get("base:allocation");
            assertNotNull(extents);
            return extents;
        }

        @Test
        void manyRequestsUnderWayMatchAModel() throws Exception {
            long seed = Long.getLong("nbd.seed", System.nanoTime());
            System.out.println("nbd.seed=" + seed);
            Random random = new Random(seed);
            int size = 8 << 20;
            byte[] model = new byte[size];
            try (PeerServer server = PeerServer.nbdkit(directory, "--filter=delay", "memory", "8M", "rdelay=1ms")) {
                NbdClient client = connect(server, NbdClientOptions.builder().maxInFlight(16));
                for (int round = 0; round < 20; round++) {
                    // Writes that do not overlap may be under way together; so each gets a place of its own.
                    List<CompletableFuture<?>> writes = new ArrayList<>();
                    for (int place = 0; place < 32; place++) {
                        int offset = place * (size / 32) + random.nextInt(1000);
                        int length = 1 + random.nextInt(size / 32 - 1000);
                        boolean zero = random.nextInt(4) == 0;
                        byte[] data = zero ? new byte[length] : pattern(length, random.nextLong());
                        System.arraycopy(data, 0, model, offset, length);
                        writes.add(
                                zero
                                        ? client.writeZeroes(offset, length, NbdCommandFlags.NONE)
                                        : client.write(offset, Unpooled.wrappedBuffer(data), NbdCommandFlags.NONE));
                    }
                    get(CompletableFuture.allOf(writes.toArray(CompletableFuture[]::new)));
                    List<CompletableFuture<Void>> reads = new ArrayList<>();
                    for (int i = 0; i < 32; i++) {
                        int offset = random.nextInt(size - 1);
                        int length = 1 + random.nextInt(Math.min(size - offset, 300_000));
                        reads.add(client.read(offset, length)
                                .thenAccept(bytes -> assertTrue(
                                        Arrays.equals(bytes, 0, length, model, offset, offset + length),
                                        length + " bytes at " + offset)));
                    }
                    get(CompletableFuture.allOf(reads.toArray(CompletableFuture[]::new)));
                }
                get(client.disconnect());
            }
        }

        @Test
        void requestsAreSplitAtTheLargestSizeThatTheServerTakes() throws Exception {
            try (PeerServer server = PeerServer.nbdkit(
                    directory,
                    "--filter=blocksize-policy",
                    "memory",
                    "4M",
                    "blocksize-minimum=512",
                    "blocksize-preferred=4096",
                    "blocksize-maximum=65536",
                    "blocksize-error-policy=error")) {
                NbdClient client = connect(server, NbdClientOptions.builder());
                assertEquals(
                        new NbdBlockSizes(512, 4096, 65536), client.session().blockSizes());
                byte[] data = pattern(1_000_448, 4);
                get(client.write(512, Unpooled.wrappedBuffer(data), NbdCommandFlags.NONE));
                assertArrayEquals(data, get(client.read(512, data.length)));
                assertInstanceOf(IllegalArgumentException.class, failure(client.read(1, 512)));
                get(client.disconnect());

                NbdClient loose = connect(server, NbdClientOptions.builder().strict(false));
                NbdCommandException refused = assertInstanceOf(NbdCommandException.class, failure(loose.read(1, 512)));
                assertEquals(NbdError.EINVAL, refused.error());
                assertArrayEquals(data, get(loose.read(512, data.length)), "an error costs only its own request");
                get(loose.disconnect());
            }
        }

        @ParameterizedTest
        @ValueSource(booleans = {true, false})
        void errorsOfTheServerComeWithTheirNumber(boolean structured) throws Exception {
            try (PeerServer server = PeerServer.nbdkit(
                    directory,
                    "--filter=error",
                    "memory",
                    "1M",
                    "error-pwrite=ENOSPC",
                    "error-pread=EIO",
                    "error-pread-rate=100%",
                    "error-pwrite-rate=100%")) {
                NbdClient client = connect(server, NbdClientOptions.builder().structuredReplies(structured));
                NbdCommandException write = assertInstanceOf(
                        NbdCommandException.class,
                        failure(client.write(0, Unpooled.wrappedBuffer(new byte[512]), NbdCommandFlags.NONE)));
                assertEquals(NbdError.ENOSPC, write.error());
                NbdCommandException read = assertInstanceOf(NbdCommandException.class, failure(client.read(0, 512)));
                assertEquals(NbdError.EIO, read.error());
                get(client.flush());
                get(client.disconnect());
            }
        }

        @Test
        void aReadOnlyExportIsRefusedHereAndThere() throws Exception {
            try (PeerServer server = PeerServer.nbdkit(directory, "-r", "memory", "1M")) {
                NbdClient client = connect(server, NbdClientOptions.builder());
                assertTrue(client.session().has(NbdTransmissionFlags.READ_ONLY));
                assertInstanceOf(
                        IllegalArgumentException.class,
                        failure(client.write(0, Unpooled.wrappedBuffer(new byte[512]), NbdCommandFlags.NONE)));
                NbdClient loose = connect(server, NbdClientOptions.builder().strict(false));
                NbdCommandException refused = assertInstanceOf(
                        NbdCommandException.class,
                        failure(loose.write(0, Unpooled.wrappedBuffer(new byte[512]), NbdCommandFlags.NONE)));
                assertEquals(NbdError.EPERM, refused.error());
                get(client.disconnect());
                get(loose.disconnect());
            }
        }

        @Test
        void whatIsUnderWayFailsWhenTheServerDies() throws Exception {
            try (PeerServer server = PeerServer.nbdkit(directory, "--filter=delay", "memory", "1M", "rdelay=60")) {
                NbdClient client = connect(server, NbdClientOptions.builder());
                CompletableFuture<byte[]> read = client.read(0, 512);
                server.kill();
                assertInstanceOf(NbdDisconnectedException.class, failure(read));
                assertInstanceOf(NbdDisconnectedException.class, failure(client.flush()));
                assertInstanceOf(NbdDisconnectedException.class, failure(client.ended()));
            }
        }

        @Test
        void aFileKeepsWhatWasFlushed() throws Exception {
            Path image = directory.resolve("image");
            Files.write(image, new byte[1 << 20]);
            byte[] data = pattern(10_000, 5);
            try (PeerServer server = PeerServer.nbdkit(directory, "file", image.toString())) {
                NbdClient client = connect(server, NbdClientOptions.builder());
                get(client.write(777, Unpooled.wrappedBuffer(data), NbdCommandFlags.NONE));
                get(client.flush());
                get(client.disconnect());
            }
            assertArrayEquals(data, Arrays.copyOfRange(Files.readAllBytes(image), 777, 777 + data.length));
        }
    }
}
