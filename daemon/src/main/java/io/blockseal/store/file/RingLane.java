package io.blockseal.store.file;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import io.blockseal.shim.IoRing;
import java.io.IOException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * One loop's io_uring on one store, shared by the channels that the loop has to it. Requests of one burst collect and go
 * in one system call, or a few if there are many; an eventfd among the loop's sockets tells when some are done, and they
 * are completed there.
 *
 * <p>It is for the plain case. Whatever the ring has no room for, does halfway or cannot say anything about goes to the
 * pool, which does it from the beginning: reading and writing the same bytes twice harms nobody. On its loop, but for
 * {@link #whenIdle}.
 */
@HotPath("every READ and WRITE of a store past the page cache")
final class RingLane {
    /** Enough for every disk to be busy; the rest waits in the pool. */
    static final int ENTRIES = 256;

    /** So many are sent before the end of their burst: the disk begins while others are being noted. */
    static final int SENT_AT = 8;

    private static final int NO_MEMORY = -12;
    private static final int INVALID = -22;
    private static final int NO_SUCH_CALL = -38;

    private final StoreRings home;
    private final IoLoop loop;
    private final IoRing ring;
    private final StallGuard guard;
    private final StallGuard.Outstanding outstanding = new StallGuard.Outstanding();
    private final RequestsOut out = new RequestsOut(ENTRIES);
    private final IoLoop.@Nullable Watch watch;
    /** How many requests it did wholly. The loop writes it, anybody reads it. */
    private final AtomicLong done = new AtomicLong();

    private int channelCount;
    /** Noted in the ring and not yet sent. */
    private int noted;
    /** What the system calls of this burst have taken. */
    private long sendingNanos;

    /** The loop knows that some are on their way. */
    private boolean awaited;

    private boolean closing;
    private @Nullable CountDownLatch idle;

    private RingLane(StoreRings home, IoLoop loop, IoRing ring, StallGuard guard) {
        this.home = home;
        this.loop = loop;
        this.ring = ring;
        this.guard = guard;
        this.watch = loop.watch(ring.eventDescriptor(), this::arrive);
        guard.addRing(outstanding);
    }

    /**
     * Opens a ring for {@code loop}, on its thread.
     *
     * @throws IOException if the system refuses, or the loop cannot watch a descriptor
     */
    static RingLane open(StoreRings home, IoLoop loop, SystemFile file, StallGuard guard) throws IOException {
        IoRing ring = file.openRing(ENTRIES);
        RingLane lane;
        try {
            lane = new RingLane(home, loop, ring, guard);
        } catch (IllegalStateException e) {
            ring.close();
            throw new IOException("this event loop cannot watch another descriptor: " + e.getMessage(), e);
        }
        if (lane.watch == null) {
            lane.close();
            throw new IOException("this event loop watches no descriptors");
        }
        return lane;
    }

    IoLoop loop() {
        return loop;
    }

    /** One more channel uses it. */
    void enter() {
        channelCount++;
    }

    /** A channel uses it no more. */
    void leave() {
        if (--channelCount == 0) {
            home.close(this);
        }
    }

    /** How many requests it has done. From any thread. */
    long requestCount() {
        return done.getAcquire();
    }

    /** Takes a READ or WRITE to be sent by the next {@link #kick} at the latest; false if the pool must do it. */
    boolean submit(BlockRequest request, FileChannelOfLoop channel) {
        Command command = request.command();
        if ((command != Command.READ && command != Command.WRITE) || out.isFull() || closing || guard.distrusts()) {
            return false;
        }
        int tag = out.add(request, channel);
        if (!note(request, tag)) {
            out.remove(tag);
            return false;
        }
        noted++;
        if (noted == SENT_AT) {
            send();
        }
        return true;
    }

    private boolean note(BlockRequest request, int tag) {
        long address = request.memory().address() + request.memoryOffset();
        if (request.command() == Command.READ) {
            return ring.read(address, request.length(), request.offset(), tag);
        }
        return request.has(BlockRequest.FUA)
                ? ring.writeDurably(address, request.length(), request.offset(), tag)
                : ring.write(address, request.length(), request.offset(), tag);
    }

    /** Sends what was taken and is not on its way yet: the end of a burst. */
    void kick() {
        send();
        sendingNanos = 0;
    }

    private void send() {
        if (noted == 0) {
            return;
        }
        long start = guard.now();
        out.stampNewest(noted, start);
        noted = 0;
        int refused = ring.submit();
        sendingNanos = guard.sendingEnded(start, sendingNanos);
        int tag = out.newest();
        for (int i = 0; i < refused; i++) {
            // Whoever hears of it may submit something else, which is newer.
            int before = out.older(tag);
            BlockRequest request = out.request(tag);
            FileChannelOfLoop channel = out.channel(tag);
            out.remove(tag);
            channel.takeBack(request);
            tag = before;
        }
        tellOfOutstanding();
    }

    private void tellOfOutstanding() {
        outstanding.oldest(out.oldestBegun());
        boolean some = !out.isEmpty();
        if (some != awaited) {
            awaited = some;
            loop.awaitsDisk(some ? 1 : -1);
        }
    }

    /** The eventfd was signalled: some are done, or perhaps not. */
    private void arrive() {
        try {
            endAll(ring.reap(), 0);
        } finally {
            // What the completions have led to; who submitted it may believe that somebody else kicks.
            kick();
            tellOfOutstanding();
            if (idle != null && out.isEmpty()) {
                idle.countDown();
                idle = null;
            }
        }
    }

    /** Ends each, whatever the completion of another does: nobody will tell of them again. */
    private void endAll(int count, int first) {
        int next = first;
        try {
            while (next < count) {
                next++;
                end((int) ring.tag(next - 1), ring.result(next - 1));
            }
        } finally {
            if (next < count) {
                endAll(count, next);
            }
        }
    }

    private void end(int tag, int result) {
        BlockRequest request = out.request(tag);
        FileChannelOfLoop channel = out.channel(tag);
        out.remove(tag);
        if (result == request.length()) {
            done.setRelease(done.getPlain() + 1);
            channel.ended(request, result);
            request.complete(Errno.OK);
        } else if (result >= 0 || saysNothingOfTheFile(result)) {
            channel.takeBack(request);
        } else {
            fail(request, channel, result);
        }
    }

    private static void fail(BlockRequest request, FileChannelOfLoop channel, int result) {
        Errno errno = Errno.fromSystem(-result);
        boolean durably = request.command() == Command.WRITE && request.has(BlockRequest.FUA);
        if (errno == Errno.EIO && durably) {
            // Others' writes may be lost with it. To say so may mean to wait for a flush that is on its way.
            channel.takeBack(request, result);
        } else {
            channel.ended(request, result);
            request.complete(errno);
        }
    }

    /** The ring's own troubles, and what only it may be unable to do on this kernel or file. */
    private static boolean saysNothingOfTheFile(int result) {
        return switch (result) {
            case IoRing.AGAIN,
                    IoRing.INTERRUPTED,
                    IoRing.CANCELLED,
                    NO_MEMORY,
                    INVALID,
                    NO_SUCH_CALL,
                    SystemFile.NOT_SUPPORTED -> true;
            default -> false;
        };
    }

    /**
     * Sends nothing more, and counts down when nothing is out. From any thread.
     *
     * @throws java.util.concurrent.RejectedExecutionException if the loop runs no more
     */
    void whenIdle(CountDownLatch latch) {
        loop.execute(() -> {
            kick();
            closing = true;
            if (out.isEmpty()) {
                latch.countDown();
            } else {
                idle = latch;
            }
        });
    }

    /** Gives it back to the system. Nothing is out. */
    void close() {
        if (watch != null) {
            watch.close();
        }
        guard.removeRing(outstanding);
        ring.close();
    }
}
