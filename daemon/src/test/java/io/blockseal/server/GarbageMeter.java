package io.blockseal.server;

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
import java.util.HashMap;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * How much a rig's threads allocate for a request: its loops, and the threads that make storage calls beside them. Requests
 * are sent by the thread of the test, so many at once, all of them alike. As an extension, it keeps Netty's leak detector
 * out of the figures: that makes an object for each buffer that it watches.
 */
final class GarbageMeter implements BeforeAllCallback, AfterAllCallback {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int ROUNDS_MAX = 8;

    /** Of each thread beside the loops that was ever seen: one that has ended still counts. */
    private final Map<Long, Long> besideBytes = new HashMap<>();

    private ResourceLeakDetector.Level levelBefore = ResourceLeakDetector.getLevel();

    /** What is asked, and how many at once. */
    record Load(NbdCommand command, int length, NbdReplyStyle style, int depth) {
        Load(NbdCommand command, int length) {
            this(command, length, NbdReplyStyle.STRUCTURED, 16);
        }
    }

    @Override
    public void beforeAll(ExtensionContext context) {
        levelBefore = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        ResourceLeakDetector.setLevel(levelBefore);
    }

    /**
     * Bytes a request, where the client is connected and has not said yet what it wants; at the end it is gone.
     *
     * @param requests how many are measured in each round
     * @param wanted less than so much ends the measurement; else there are some rounds, of which the best counts: the
     *     compiler may still be at work in the others, and allocates on its way in, or a machine that is busy elsewhere look
     *     like a storage that stalls, whose calls are then made by other threads
     */
    double perRequest(ServerRig rig, RawNbd nbd, String export, Load load, int requests, double wanted)
            throws Exception {
        double least = Double.MAX_VALUE;
        try (nbd) {
            nbd.negotiate(load.style);
            if (load.style.isChunked()) {
                nbd.option(
                        NbdOption.SET_META_CONTEXT.code(),
                        RawNbd.metaQuery(export, "base:allocation", ServerRig.MAPPED));
            }
            nbd.go(export);
            byte[] outgoing = requests(load);
            byte[] incoming = new byte[replyBytes(load)];
            exchange(nbd, outgoing, incoming, 2 * requests / load.depth);
            for (int round = 0; round < ROUNDS_MAX && least >= wanted; round++) {
                long before = allocated(rig);
                exchange(nbd, outgoing, incoming, requests / load.depth);
                least = Math.min(least, (allocated(rig) - before) / (double) requests);
            }
        }
        System.out.printf("allocation %s %s: %.3f bytes per request%n", export, load, least);
        rig.assertEverythingIsBack();
        return least;
    }

    private static void exchange(RawNbd nbd, byte[] outgoing, byte[] incoming, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            nbd.out.write(outgoing);
            nbd.out.flush();
            nbd.in.readFully(incoming);
        }
    }

    private static byte[] requests(Load load) {
        boolean write = load.command == NbdCommand.WRITE;
        int header = load.style.requestHeaderBytes();
        int payload = write ? load.length : 0;
        ByteBuf requests = Unpooled.buffer(load.depth * (header + payload));
        for (int i = 0; i < load.depth; i++) {
            int flags = write && load.style == NbdReplyStyle.EXTENDED ? 32 : 0;
            long offset = load.command == NbdCommand.FLUSH ? 0 : (long) i * Math.max(load.length, 4096);
            NbdRequestHeader.encode(
                    load.style, requests, requests.writerIndex(), flags, load.command.code(), i, offset, load.length);
            requests.writerIndex(requests.writerIndex() + header);
            requests.writeZero(payload);
        }
        return requests.array();
    }

    /** Of all of them. */
    private static int replyBytes(Load load) {
        boolean inChunks = load.command == NbdCommand.READ || load.command == NbdCommand.BLOCK_STATUS;
        int reply = load.style == NbdReplyStyle.STRUCTURED && !inChunks
                ? NbdReplyStyle.SIMPLE.replyHeaderBytes()
                : load.style.replyHeaderBytes();
        if (load.command == NbdCommand.READ) {
            reply += load.length + (load.style.isChunked() ? 8 : 0);
        } else if (load.command == NbdCommand.BLOCK_STATUS) {
            // One extent of what the device knows, and one of what is told from memory.
            reply = 2 * (reply + 12);
        }
        return reply * load.depth;
    }

    /** Whether a storage call was made by a thread that is not a loop. */
    boolean ranBeside() {
        return besides().anyMatch(id -> THREADS.getThreadCpuTime(id) > 0);
    }

    private static LongStream besides() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("lane-"))
                .mapToLong(Thread::getId);
    }

    private long allocated(ServerRig rig) throws InterruptedException {
        besides().forEach(id -> besideBytes.put(id, THREADS.getThreadAllocatedBytes(id)));
        long sum = besideBytes.values().stream().mapToLong(bytes -> bytes).sum();
        for (NettyIoLoop loop : rig.loops.netty()) {
            long id = ServerRig.onLoop(loop, () -> Thread.currentThread().getId());
            sum += THREADS.getThreadAllocatedBytes(id);
        }
        return sum;
    }
}
