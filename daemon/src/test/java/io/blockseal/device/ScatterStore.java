package io.blockseal.device;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.store.BlockStore;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * A store in memory that completes at once, or later in any order, or only when it is kicked; that knows what was
 * written in blocks of 512 bytes, is strict about alignment, and fails, or stops half-way, when it is told to.
 */
final class ScatterStore implements BlockStore {
    enum Timing {
        /** Within submit. */
        INLINE,
        /** Some turns later, and not before a kick. */
        LATER,
        /** Either. */
        MIXED
    }

    static final int SECTOR = 512;

    final byte[] bytes;
    final boolean[] written;
    final AtomicIntegerArray calls = new AtomicIntegerArray(Command.values().length);
    private final Timing timing;
    private final long seed;
    int alignmentBytes = 1;
    boolean canFastZero = true;
    boolean fastZeroRefused;
    boolean trimLeavesNoise;
    /** Asked before each call is carried out; anything but OK is its outcome. */
    volatile Function<BlockRequest, Errno> fault = request -> Errno.OK;
    /**
     * Calls that do their first half when their turn comes, and all of it, with their outcome, at {@link #finishHalves}:
     * what others do meanwhile meets them under way. On test loops only, which share a thread.
     */
    Predicate<BlockRequest> stopsHalfWay = request -> false;

    private final ArrayDeque<Runnable> halves = new ArrayDeque<>();
    /** The flags of the last call of each command. */
    final AtomicIntegerArray lastFlags = new AtomicIntegerArray(Command.values().length);

    ScatterStore(int sizeBytes, Timing timing, long seed) {
        this.bytes = new byte[sizeBytes];
        this.written = new boolean[sizeBytes / SECTOR];
        this.timing = timing;
        this.seed = seed;
    }

    int calls(Command command) {
        return calls.get(command.ordinal());
    }

    int lastFlags(Command command) {
        return lastFlags.get(command.ordinal());
    }

    int callsInAll() {
        int sum = 0;
        for (int i = 0; i < calls.length(); i++) {
            sum += calls.get(i);
        }
        return sum;
    }

    @Override
    public Geometry geometry() {
        return new Geometry(bytes.length, alignmentBytes, 4096, false, true, canFastZero, true);
    }

    @Override
    public int alignmentBytes() {
        return alignmentBytes;
    }

    @Override
    public boolean trimmedReadsZeros() {
        return !trimLeavesNoise;
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        return new Channel(loop, new Random(seed + loop.index()));
    }

    private final class Channel implements BlockChannel {
        private final IoLoop loop;
        private final Random random;
        private final ArrayDeque<BlockRequest> batch = new ArrayDeque<>();

        Channel(IoLoop loop, Random random) {
            this.loop = loop;
            this.random = random;
        }

        @Override
        public void submit(BlockRequest request) {
            checkAlignment(request);
            calls.incrementAndGet(request.command().ordinal());
            lastFlags.set(request.command().ordinal(), request.flags());
            boolean inline = timing == Timing.INLINE || (timing == Timing.MIXED && random.nextBoolean());
            if (inline) {
                carryOut(request);
            } else {
                batch.add(request);
            }
        }

        @Override
        public void kick() {
            BlockRequest request = batch.poll();
            while (request != null) {
                hop(request, 1 + random.nextInt(4));
                request = batch.poll();
            }
        }

        private void hop(BlockRequest request, int turns) {
            loop.execute(() -> {
                if (turns == 1) {
                    carryOut(request);
                } else {
                    hop(request, turns - 1);
                }
            });
        }

        private void carryOut(BlockRequest request) {
            if (stopsHalfWay.test(request)) {
                doFirstHalf(request);
                halves.add(() -> loop.execute(() -> request.complete(perform(request))));
            } else {
                request.complete(perform(request));
            }
        }

        @Override
        public void close() {
            if (!batch.isEmpty()) {
                throw new AssertionError("closed with requests in flight");
            }
        }
    }

    int halvesDone() {
        return halves.size();
    }

    /** What has stopped half-way goes on, on its loop. */
    void finishHalves() {
        stopsHalfWay = request -> false;
        while (!halves.isEmpty()) {
            halves.remove().run();
        }
    }

    private void doFirstHalf(BlockRequest request) {
        int from = (int) request.offset();
        int half = (int) request.length() / 2;
        switch (request.command()) {
            case READ -> request.memory().bytes().put(request.memoryOffset(), bytes, from, half);
            case WRITE -> request.memory().bytes().get(request.memoryOffset(), bytes, from, half);
            case TRIM, WRITE_ZEROES -> Arrays.fill(bytes, from, from + half, (byte) 0);
            case BLOCK_STATUS, FLUSH, CACHE -> {
                // Half of it is nothing.
            }
        }
    }

    private void checkAlignment(BlockRequest request) {
        boolean hasStretch = request.command() != Command.FLUSH;
        if (hasStretch && (request.offset() | request.length()) % alignmentBytes != 0) {
            throw new AssertionError("not aligned: " + request.describe());
        }
        boolean hasMemory = request.command() == Command.READ || request.command() == Command.WRITE;
        if (hasMemory && request.memoryOffset() % alignmentBytes != 0) {
            throw new AssertionError("memory not aligned: " + request.describe());
        }
        if (hasStretch && request.length() <= 0) {
            throw new AssertionError("nothing to do: " + request.describe());
        }
    }

    private Errno perform(BlockRequest request) {
        Errno failure = fault.apply(request);
        if (failure != Errno.OK) {
            return failure;
        }
        int from = (int) request.offset();
        int length = (int) request.length();
        switch (request.command()) {
            case READ -> request.memory().bytes().put(request.memoryOffset(), bytes, from, length);
            case WRITE -> {
                request.memory().bytes().get(request.memoryOffset(), bytes, from, length);
                mark(from, length, true);
            }
            case TRIM -> {
                Arrays.fill(bytes, from, from + length, (byte) (trimLeavesNoise ? 0x5a : 0));
                mark(from, length, false);
            }
            case WRITE_ZEROES -> {
                if (request.has(BlockRequest.FAST_ZERO) && fastZeroRefused) {
                    return Errno.ENOTSUP;
                }
                Arrays.fill(bytes, from, from + length, (byte) 0);
                mark(from, length, false);
            }
            case BLOCK_STATUS -> status(request, from, from + length);
            case FLUSH, CACHE -> {
                // Memory is as durable as it gets.
            }
        }
        return Errno.OK;
    }

    private void mark(int from, int length, boolean value) {
        Arrays.fill(written, from / SECTOR, (from + length) / SECTOR, value);
    }

    private void status(BlockRequest request, int from, int end) {
        int position = from;
        while (position < end) {
            boolean data = written[position / SECTOR];
            int stop = position;
            while (stop < end && written[stop / SECTOR] == data) {
                stop = Math.min(end, (stop / SECTOR + 1) * SECTOR);
            }
            int state = data ? 0 : ExtentList.HOLE | ExtentList.ZERO;
            if (!request.extents().add(stop - position, state) || request.has(BlockRequest.REQ_ONE)) {
                return;
            }
            position = stop;
        }
    }

    @Override
    public String name() {
        return "scatter";
    }

    @Override
    public long sizeBytes() {
        return bytes.length;
    }

    @Override
    public void read(long offset, ByteBuffer target) {
        target.put(bytes, (int) offset, target.remaining());
    }

    @Override
    public void write(long offset, ByteBuffer source) {
        source.get(bytes, (int) offset, source.remaining());
    }

    @Override
    public void flush() {}

    @Override
    public void zero(long offset, long lengthBytes) {
        Arrays.fill(bytes, (int) offset, (int) (offset + lengthBytes), (byte) 0);
    }

    @Override
    public void grow(long newSizeBytes) {
        throw new UnsupportedOperationException("a test's store has its size");
    }

    @Override
    public long allocatedBytes() {
        return bytes.length;
    }

    @Override
    public void close() {}
}
