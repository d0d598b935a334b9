package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdRequestHeader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.util.ResourceLeakDetector;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
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

    /**
     * With more replies on the way than the socket takes, Netty makes two small objects each time it asks to be told
     * when there is room again; that is once for some megabytes.
     */
    @Test
    void aFullSocketCostsAFewBytes() throws Exception {
        double perRequest = measure(NbdCommand.READ, 262144, NbdReplyStyle.STRUCTURED, 16);
        assertTrue(perRequest < 16.0, () -> "READ allocates " + perRequest + " bytes per request");
    }

    private double measure(NbdCommand command, int length, NbdReplyStyle style, int depth) throws Exception {
        boolean large = length > 65536;
        int requests = large ? 4_000 : 20_000;
        double least = Double.MAX_VALUE;
        try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
            nbd.negotiate(style);
            if (style != NbdReplyStyle.SIMPLE) {
                nbd.option(NbdOption.SET_META_CONTEXT.code(), RawNbd.metaQuery("disk", "base:allocation"));
            }
            nbd.go("disk");
            prepare(command, length, style, depth);
            rounds(nbd.channel, 2 * requests / depth);
            // The compiler may still be at work in one of the rounds, and allocates on its way in.
            for (int round = 0; round < 3; round++) {
                long before = allocatedByLoops();
                rounds(nbd.channel, requests / depth);
                least = Math.min(least, (allocatedByLoops() - before) / (double) requests);
            }
        }
        System.out.printf(
                "allocation %s %d %s depth %d: %.3f bytes per request%n", command, length, style, depth, least);
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
        int reply = style.replyHeaderBytes();
        if (command == NbdCommand.READ) {
            reply += length + (style.isChunked() ? 8 : 0);
        } else if (command == NbdCommand.BLOCK_STATUS) {
            reply += 12;
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

    private long allocatedByLoops() throws InterruptedException {
        long sum = 0;
        for (NettyIoLoop loop : rig.loops.netty()) {
            long id = ServerRig.onLoop(loop, () -> Thread.currentThread().getId());
            sum += THREADS.getThreadAllocatedBytes(id);
        }
        return sum;
    }
}
