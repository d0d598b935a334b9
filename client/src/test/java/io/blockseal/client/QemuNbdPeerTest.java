package io.blockseal.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdError;
import io.blockseal.nbd.NbdOptionReply;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdServerEntry;
import io.netty.buffer.Unpooled;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client against qemu-nbd, which fragments sparse reads and, from 8.2 on, speaks extended headers. */
@Tag("peer")
class QemuNbdPeerTest {
    private static final long SIZE = 64L << 20;
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

    private PeerServer sparseImage() throws Exception {
        Path image = directory.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        return PeerServer.qemuNbd(
                directory,
                "--format=raw",
                "--discard=unmap",
                "--export-name=disc",
                "--description=a disc",
                image.toString());
    }

    @Test
    void theHandshakeTakesTheBestOfTheServer() throws Exception {
        try (PeerServer server = sparseImage()) {
            NbdClient client = get(NbdClient.connect(TRANSPORT, server.uri("disc"), NbdClientOptions.DEFAULT));
            NbdSession session = client.session();
            assertTrue(session.style().isChunked());
            assertEquals(SIZE, session.sizeBytes());
            assertEquals("disc", session.exportName());
            assertEquals("a disc", session.description());
            assertEquals(32 << 20, session.blockSizes().maximumPayload());
            assertEquals("base:allocation", session.contexts().get(0).name());
            get(client.disconnect());

            NbdClient plain = get(NbdClient.connect(
                    TRANSPORT,
                    server.uri("disc"),
                    NbdClientOptions.builder()
                            .extendedHeaders(false)
                            .structuredReplies(false)
                            .build()));
            assertEquals(NbdReplyStyle.SIMPLE, plain.session().style());
            assertArrayEquals(new byte[5], get(plain.read(3, 5)));
            get(plain.disconnect());
        }
    }

    @Test
    void exportsAreListedAndMissingOnesRefused() throws Exception {
        try (PeerServer server = sparseImage()) {
            assertEquals(
                    List.of(new NbdServerEntry("disc", "a disc")),
                    get(NbdClient.list(TRANSPORT, server.uri(""), NbdClientOptions.DEFAULT)));
            NbdRefusedException refused = assertInstanceOf(
                    NbdRefusedException.class,
                    failure(NbdClient.connect(TRANSPORT, server.uri("other"), NbdClientOptions.DEFAULT)));
            assertEquals(NbdOptionReply.ERR_UNKNOWN, refused.reason());
        }
    }

    @Test
    void sparseReadsAreReassembledAndAskedForWholeWithDf() throws Exception {
        try (PeerServer server = sparseImage()) {
            NbdClient client = get(NbdClient.connect(TRANSPORT, server.uri("disc"), NbdClientOptions.DEFAULT));
            byte[] expected = new byte[1 << 20];
            for (int at : new int[] {65536, 262144, 655360}) {
                Arrays.fill(expected, at, at + 65536, (byte) (at >> 16));
                byte[] piece = Arrays.copyOfRange(expected, at, at + 65536);
                get(client.write(at, Unpooled.wrappedBuffer(piece), NbdCommandFlags.FUA));
            }
            assertArrayEquals(expected, get(client.read(0, expected.length)));
            var target = Unpooled.buffer(65536 + 100, 65536 + 100).writeZero(100);
            get(client.read(98304, 65536, target, NbdCommandFlags.DF));
            assertEquals(65536 + 100, target.writerIndex());
            assertArrayEquals(
                    Arrays.copyOfRange(expected, 98304, 98304 + 65536),
                    Arrays.copyOfRange(target.array(), 100, 100 + 65536));
            get(client.disconnect());
        }
    }

    @Test
    void blockStatusFollowsWritesTrimsAndZeroes() throws Exception {
        try (PeerServer server = sparseImage()) {
            NbdClient client = get(NbdClient.connect(TRANSPORT, server.uri("disc"), NbdClientOptions.DEFAULT));
            get(client.write(1 << 20, Unpooled.wrappedBuffer(filled(1 << 20)), NbdCommandFlags.NONE));
            get(client.flush());
            assertEquals(List.of(new NbdExtent(1 << 20, 0)), status(client, 1 << 20, 1 << 20));
            get(client.writeZeroes(1 << 20, 1 << 19, NbdCommandFlags.NONE));
            get(client.trim(3 << 19, 1 << 19, NbdCommandFlags.NONE));
            assertArrayEquals(new byte[1 << 19], get(client.read(1 << 20, 1 << 19)));
            long covered = 0;
            for (NbdExtent extent : status(client, 0, SIZE)) {
                covered += extent.length();
            }
            assertEquals(SIZE, covered);
            get(client.disconnect());
        }
    }

    private static byte[] filled(int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 0xa5);
        return bytes;
    }

    private static List<NbdExtent> status(NbdClient client, long offset, long length) throws Exception {
        Map<String, List<NbdExtent>> all = get(client.blockStatus(offset, length, NbdCommandFlags.NONE));
        List<NbdExtent> extents = all.get("base:allocation");
        assertNotNull(extents);
        return extents;
    }

    @Test
    void errorsComeWithTheServersWords() throws Exception {
        try (PeerServer server = sparseImage()) {
            NbdClient loose = get(NbdClient.connect(
                    TRANSPORT,
                    server.uri("disc"),
                    NbdClientOptions.builder().strict(false).build()));
            NbdCommandException read = assertInstanceOf(NbdCommandException.class, failure(loose.read(SIZE - 1, 2)));
            assertEquals(NbdError.EINVAL, read.error());
            assertTrue(read.serverText().contains("past EOF"), read.serverText());
            NbdCommandException write = assertInstanceOf(
                    NbdCommandException.class,
                    failure(loose.write(SIZE, Unpooled.wrappedBuffer(new byte[512]), NbdCommandFlags.NONE)));
            // The specification would like ENOSPC here; qemu-nbd says EINVAL.
            assertTrue(write.serverText().contains("past EOF"), write.serverText());
            assertArrayEquals(new byte[512], get(loose.read(0, 512)), "an error costs only its own request");
            get(loose.disconnect());
        }
    }

    /** 48 MiB are more than one request takes; they must come back whole all the same. */
    @Test
    void requestsOver32MiBAreSplit() throws Exception {
        try (PeerServer server = sparseImage()) {
            NbdClient client = get(NbdClient.connect(TRANSPORT, server.uri("disc"), NbdClientOptions.DEFAULT));
            byte[] data = filled(48 << 20);
            data[40 << 20] = 1;
            get(client.write(1, Unpooled.wrappedBuffer(data), NbdCommandFlags.NONE));
            assertTrue(Arrays.equals(data, get(client.read(1, data.length))));
            get(client.disconnect());
        }
    }
}
