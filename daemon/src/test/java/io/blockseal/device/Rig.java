package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferBudget;
import io.blockseal.volume.VolumeShape;
import java.util.Random;
import java.util.function.Supplier;

/**
 * A stack over a store in memory, with loops that the test turns: requests by hand, everything that happens decided by
 * one seed. Closing it checks that every buffer, request, lock and key cache came back.
 */
final class Rig implements AutoCloseable {
    static final int RANGE_SHIFT = 16;
    static final int RANGE = 1 << RANGE_SHIFT;
    static final int RANGES = 24;
    static final int DATA_OFFSET = 8192;
    /** The last range is half there. */
    static final int SIZE = RANGES * RANGE - RANGE / 2;

    final ScatterStore store;
    final FixedKeys plane;
    final DeviceStack stack;
    final TurnLoop[] loops;
    private final BlockChannel[] channels;
    private final Random random;
    private final Plan plan;
    private final int cachesBefore;

    /** What differs between rigs. */
    static final class Plan {
        int unitBytes = 4096;
        int loopCount = 1;
        long seed = 1;
        ScatterStore.Timing timing = ScatterStore.Timing.LATER;
        int storeAlignment = 1;
        long budgetBytes = 64L << 20;
        boolean aligned;
        boolean readOnly;

        Plan unit(int bytes) {
            unitBytes = bytes;
            return this;
        }

        Plan loops(int count) {
            loopCount = count;
            return this;
        }

        Plan seed(long newSeed) {
            seed = newSeed;
            return this;
        }

        Plan timing(ScatterStore.Timing newTiming) {
            timing = newTiming;
            return this;
        }

        Plan storeAlignment(int bytes) {
            storeAlignment = bytes;
            return this;
        }

        Plan budget(long bytes) {
            budgetBytes = bytes;
            return this;
        }

        Plan readOnly() {
            readOnly = true;
            return this;
        }

        /** Without the aligner. */
        Plan encryptedOnly() {
            aligned = true;
            return this;
        }

        Rig build() {
            ScatterStore store = storeOf(this);
            return new Rig(this, store, planeOf(this, store));
        }
    }

    static Plan plan() {
        return new Plan();
    }

    /** A request on its way. */
    static final class Sent {
        final ArenaBuf buf;
        Errno errno;

        Sent(ArenaBuf buf) {
            this.buf = buf;
        }

        boolean isDone() {
            return errno != null;
        }
    }

    private static ScatterStore storeOf(Plan plan) {
        ScatterStore store = new ScatterStore(DATA_OFFSET + RANGES * RANGE, plan.timing, plan.seed);
        store.alignmentBytes = plan.storeAlignment;
        return store;
    }

    private static FixedKeys planeOf(Plan plan, ScatterStore store) {
        VolumeShape shape = new VolumeShape(SIZE, plan.unitBytes, RANGE_SHIFT, DATA_OFFSET, plan.readOnly);
        return new FixedKeys(shape, store, plan.seed);
    }

    private Rig(Plan plan, ScatterStore store, FixedKeys plane) {
        this.plan = plan;
        this.cachesBefore = plane.openCaches.get();
        this.store = store;
        this.plane = plane;
        random = new Random(plan.seed);
        stack = DeviceStack.build(plane);
        loops = new TurnLoop[plan.loopCount];
        channels = new BlockChannel[plan.loopCount];
        BlockDevice device = plan.aligned ? stack.encrypted() : stack.top();
        BufferBudget budget = new BufferBudget(plan.budgetBytes);
        for (int i = 0; i < loops.length; i++) {
            loops[i] = new TurnLoop(i, budget);
            channels[i] = device.openChannel(loops[i]);
        }
    }

    /** Another stack over the same volume, which sees what was changed about the store since. */
    Rig reopen() {
        return new Rig(plan, store, plane);
    }

    /** Submits without waiting; READ and WRITE get a buffer, {@code data} goes into it, {@code skew} bytes in. */
    Sent send(int loop, Command command, int flags, long offset, long length, byte[] data, int skew) {
        boolean hasMemory = command == Command.READ || command == Command.WRITE;
        ArenaBuf buf = null;
        if (hasMemory) {
            buf = loops[loop].buffers().lease((int) length + skew);
            assertNotNull(buf, "the test's own budget is spent");
            for (int i = 0; i < length; i++) {
                buf.memory().bytes().put(buf.dataOffset() + skew + i, data == null ? (byte) 0x77 : data[i]);
            }
        }
        return send(loop, command, flags, offset, length, buf, skew, null);
    }

    /** Likewise with a buffer that was leased before, which it now owns. */
    Sent send(int loop, Command command, int flags, long offset, long length, ArenaBuf buf, int skew, ExtentList list) {
        Sent sent = new Sent(buf);
        BlockRequest request = loops[loop].requests().lease().set(command, flags, offset, length);
        if (buf != null) {
            request.withMemory(buf.memory(), buf.dataOffset() + skew);
        }
        if (list != null) {
            request.withExtents(list);
        }
        request.push(
                (done, token) -> {
                    assertEquals(null, sent.errno, "completed once");
                    assertEquals(offset, done.offset(), "the request comes back as it went down");
                    assertEquals(length, done.length());
                    assertEquals(flags, done.flags());
                    sent.errno = done.errno();
                    loops[loop].requests().release(done);
                },
                0);
        channels[loop].submit(request);
        channels[loop].kick();
        return sent;
    }

    /** One turn of some loop; false if none has anything to do. */
    boolean turn() {
        int first = random.nextInt(loops.length);
        for (int i = 0; i < loops.length; i++) {
            if (loops[(first + i) % loops.length].takeTurn()) {
                return true;
            }
        }
        return false;
    }

    void turnUntilIdle() {
        while (turn()) {
            // Each turn is one task.
        }
    }

    private Errno await(Sent sent) {
        while (!sent.isDone()) {
            assertTrue(turn(), "the request hangs: no loop has anything to do");
        }
        if (sent.buf != null) {
            sent.buf.release();
        }
        return sent.errno;
    }

    /** Frees the buffer of a request that is done. */
    Errno outcome(Sent sent) {
        assertTrue(sent.isDone(), "the request is not done");
        return await(sent);
    }

    /**
     * Turns until {@code waiting} is done, while one request of a stream is always under way: the next is sent before the
     * last is done.
     *
     * @return its outcome
     */
    Errno outcomeBeside(Supplier<Sent> stream, Sent begun, Sent waiting) {
        Sent last = begun;
        for (int rounds = 0; !waiting.isDone(); rounds++) {
            assertTrue(rounds < 1000, "starved");
            Sent next = stream.get();
            while (!last.isDone()) {
                assertTrue(turn());
            }
            outcome(last);
            last = next;
        }
        turnUntilIdle();
        outcome(last);
        return outcome(waiting);
    }

    Errno run(Command command, int flags, long offset, long length) {
        return await(send(0, command, flags, offset, length, null, 0));
    }

    Errno write(long offset, byte[] data) {
        return write(0, offset, data);
    }

    Errno write(int flags, long offset, byte[] data) {
        return await(send(0, Command.WRITE, flags, offset, data.length, data, 0));
    }

    byte[] read(long offset, int length) {
        Sent sent = send(0, Command.READ, 0, offset, length, null, 0);
        while (!sent.isDone()) {
            assertTrue(turn(), "the request hangs: no loop has anything to do");
        }
        assertEquals(Errno.OK, sent.errno);
        return bytesOf(sent, length, 0);
    }

    /** What a READ that is done brought; frees its buffer. */
    byte[] bytesOf(Sent sent, int length, int skew) {
        byte[] bytes = new byte[length];
        sent.buf.memory().bytes().get(sent.buf.dataOffset() + skew, bytes);
        sent.buf.release();
        return bytes;
    }

    ExtentList status(int flags, long offset, long length, int capacity) {
        ExtentList list = new ExtentList(capacity);
        Sent sent = send(0, Command.BLOCK_STATUS, flags, offset, length, null, 0, list);
        assertEquals(Errno.OK, await(sent));
        return list;
    }

    /** How a BLOCK_STATUS ends. */
    Errno outcomeOfStatus(long offset, long length, ExtentList list) {
        return await(send(0, Command.BLOCK_STATUS, 0, offset, length, null, 0, list));
    }

    static byte[] noise(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** Ciphertext as it lies on the store. */
    byte[] raw(long offset, int length) {
        byte[] bytes = new byte[length];
        System.arraycopy(store.bytes, (int) plane.physical(offset), bytes, 0, length);
        return bytes;
    }

    @Override
    public void close() {
        turnUntilIdle();
        for (int i = 0; i < loops.length; i++) {
            channels[i].close();
            assertEquals(0, loops[i].requests().leasedCount(), "requests that were not released");
            assertEquals(0, loops[i].buffers().leasedCount(), "buffers that were not released");
        }
        assertTrue(stack.top().locks().isIdle(), "locks that were not released");
        assertEquals(cachesBefore, plane.openCaches.get(), "key caches that were not closed");
        if (cachesBefore == 0) {
            plane.close();
        }
    }
}
