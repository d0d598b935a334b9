package io.blockseal.server;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A disk in memory for tests: reads, writes, zeroes and trims, knows which 4 KiB blocks were never written, counts what
 * it is asked, and can be told to fail or to hold requests back.
 *
 * <p>One loop at a time may write the same bytes; tests see to that.
 */
final class MemoryDevice implements BlockDevice {
    static final int BLOCK = 4096;
    private static final int MEMORY_BYTES_MAX = 64 << 20;

    /** Channels opened ever and flushes seen ever. */
    final AtomicInteger channelsOpened = new AtomicInteger();

    final AtomicInteger channelsOpen = new AtomicInteger();
    final AtomicInteger flushes = new AtomicInteger();
    /** Set by tests, read by loops. */
    volatile Errno failWith = Errno.OK;
    /** Only requests that touch this byte fail; -1 for all. */
    volatile long failAt = -1;
    /** How often this device has lost something, by {@link #lose}. */
    final AtomicLong losses = new AtomicLong();
    /** FLUSH, and the sync of FUA, fails with this and loses something. */
    volatile Errno failFlushesWith = Errno.OK;
    /** Requests are completed by a task on the loop instead of at once. */
    volatile boolean later;
    /** Requests are kept until {@link #letGo}. */
    volatile boolean hold;

    /** Requests that were begun before this was set are served, but none ought to be begun. */
    volatile boolean frozen;
    /** Requests are kept, as a freeze keeps those that it meets, until whoever sent them is given up. */
    volatile boolean parks;

    final AtomicInteger parkedCount = new AtomicInteger();

    /** Channels whose client was gone, or was sent away, while requests of its were held or served. */
    final AtomicInteger abandoned = new AtomicInteger();

    final AtomicInteger submits = new AtomicInteger();

    private final Queue<Runnable> onThaw = new ConcurrentLinkedQueue<>();
    private final Geometry geometry;
    private @Nullable ByteBuffer memory;
    private final long sizeBytes;
    private final BitSet written = new BitSet();
    private final Deque<Runnable> held = new ArrayDeque<>();

    MemoryDevice(long sizeBytes) {
        this(new Geometry(sizeBytes, 1, BLOCK, false, true, true, true));
    }

    /** Bytes beyond what an array holds exist but have no memory: only zeroes can be read and written there. */
    MemoryDevice(Geometry geometry) {
        this.geometry = geometry;
        this.sizeBytes = geometry.sizeBytes();
    }

    /** Taken by the first who needs it: most tests need one of their devices. */
    private synchronized ByteBuffer bytes() {
        ByteBuffer there = memory;
        if (there == null) {
            there = ByteBuffer.allocateDirect(capacity());
            memory = there;
        }
        return there;
    }

    private int capacity() {
        return (int) Math.min(sizeBytes, MEMORY_BYTES_MAX);
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        channelsOpened.incrementAndGet();
        channelsOpen.incrementAndGet();
        return new Channel(loop);
    }

    /** Completes what was held back, oldest first. */
    void letGo() {
        hold = false;
        synchronized (held) {
            held.forEach(Runnable::run);
            held.clear();
        }
    }

    /** Returns once somebody has left a request unbegun. */
    void awaitThawWaiter() {
        while (onThaw.isEmpty()) {
            Thread.onSpinWait();
        }
    }

    void thaw() {
        frozen = false;
        for (Runnable task = onThaw.poll(); task != null; task = onThaw.poll()) {
            task.run();
        }
    }

    /** Completes the newest {@code count} of what is held back and goes on holding. */
    void letGo(int count) {
        synchronized (held) {
            for (int i = 0; i < count; i++) {
                held.removeLast().run();
            }
        }
    }

    /** Something that was written is gone, and nobody's request failed. */
    void lose() {
        losses.incrementAndGet();
    }

    int heldCount() {
        synchronized (held) {
            return held.size();
        }
    }

    private final class Channel implements BlockChannel {
        private final IoLoop loop;
        private final List<BlockRequest> parked = new ArrayList<>();
        private boolean gone;

        Channel(IoLoop loop) {
            this.loop = loop;
        }

        @Override
        public boolean isFrozen() {
            return frozen;
        }

        @Override
        public void whenThawed(Runnable task) {
            onThaw.add(() -> loop.execute(task));
            if (!frozen) {
                // It was thawed between the question and this.
                thaw();
            }
        }

        @Override
        public void abandon() {
            abandoned.incrementAndGet();
            gone = true;
            if (frozen) {
                List<BlockRequest> ending = List.copyOf(parked);
                parked.clear();
                ending.forEach(request -> request.complete(Errno.ESHUTDOWN));
            }
        }

        @Override
        public void submit(BlockRequest request) {
            submits.incrementAndGet();
            if (parks) {
                if (gone && frozen) {
                    request.complete(Errno.ESHUTDOWN);
                } else {
                    parked.add(request);
                    parkedCount.incrementAndGet();
                }
            } else if (hold) {
                synchronized (held) {
                    held.add(() -> loop.execute(() -> serve(request)));
                }
            } else if (later) {
                loop.execute(() -> serve(request));
            } else {
                serve(request);
            }
        }

        @Override
        public void kick() {}

        @Override
        public void close() {
            channelsOpen.decrementAndGet();
        }

        private void serve(BlockRequest request) {
            Errno fail = failWith;
            long at = failAt;
            boolean hit = at < 0 || (at >= request.offset() && at < request.offset() + request.length());
            Errno outcome = fail != Errno.OK && hit ? fail : execute(request);
            boolean syncs = request.command() == Command.FLUSH || request.has(BlockRequest.FUA);
            if (syncs && failFlushesWith != Errno.OK) {
                lose();
                outcome = failFlushesWith;
            }
            request.complete(outcome);
        }
    }

    private Errno execute(BlockRequest request) {
        long offset = request.offset();
        long length = request.length();
        if (offset < 0 || length < 0 || offset > sizeBytes || length > sizeBytes - offset) {
            throw new AssertionError("the server let through " + request.describe());
        }
        int inMemory = (int) Math.max(0, Math.min(length, capacity() - offset));
        switch (request.command()) {
            case READ -> {
                request.memory().zero(request.memoryOffset(), (int) length);
                if (inMemory > 0) {
                    request.memory().bytes().put(request.memoryOffset(), bytes(), (int) offset, inMemory);
                }
            }
            case WRITE -> {
                if (inMemory > 0) {
                    bytes().put((int) offset, request.memory().bytes(), request.memoryOffset(), inMemory);
                    mark(offset, inMemory, true);
                }
            }
            case WRITE_ZEROES, TRIM -> {
                ByteBuffer zeroed = bytes();
                for (int i = 0; i < inMemory; i++) {
                    zeroed.put((int) offset + i, (byte) 0);
                }
                if (inMemory > 0 && !request.has(BlockRequest.NO_HOLE)) {
                    mark(offset, inMemory, false);
                }
            }
            case FLUSH -> flushes.incrementAndGet();
            case CACHE -> {}
            case BLOCK_STATUS -> describe(request);
        }
        if (request.has(BlockRequest.FUA) && request.command() != Command.FLUSH) {
            flushes.incrementAndGet();
        }
        return Errno.OK;
    }

    /** Whole blocks only become holes. */
    private void mark(long offset, int length, boolean data) {
        int first = (int) (data ? offset / BLOCK : (offset + BLOCK - 1) / BLOCK);
        int end = (int) (data ? (offset + length + BLOCK - 1) / BLOCK : (offset + length) / BLOCK);
        synchronized (written) {
            if (end > first) {
                written.set(first, end, data);
            }
        }
    }

    private void describe(BlockRequest request) {
        long at = request.offset();
        long end = at + request.length();
        synchronized (written) {
            while (at < end) {
                int block = (int) Math.min(at / BLOCK, Integer.MAX_VALUE - 1);
                boolean data = at < capacity() && written.get(block);
                int next = data ? written.nextClearBit(block) : written.nextSetBit(block);
                long until = next < 0 ? end : Math.min(end, (long) next * BLOCK);
                int state = data ? 0 : ExtentList.HOLE | ExtentList.ZERO;
                if (!request.extents().add(until - at, state)) {
                    return;
                }
                at = until;
            }
        }
    }
}
