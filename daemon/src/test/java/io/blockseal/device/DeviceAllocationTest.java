package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.Memory;
import io.blockseal.store.BlockStore;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.VolumeShape;
import java.lang.management.ManagementFactory;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The stack allocates nothing per request. The cipher here only flips bits, so that the figure is the layers' own; the
 * engines have tests of theirs.
 */
class DeviceAllocationTest {
    private static final int WARM_UP = 20_000;
    private static final int MEASURED = 10_000;

    /** Every range ACTIVE from the start. */
    private record Flipping(DataPlane real) implements DataPlane, XtsEngine {
        @Override
        public VolumeShape shape() {
            return real.shape();
        }

        @Override
        public BlockStore dataStore() {
            return real.dataStore();
        }

        @Override
        public XtsEngine xts() {
            return this;
        }

        @Override
        public long word(long rangeIndex) {
            return real.word(rangeIndex);
        }

        @Override
        public DekCache openCache() {
            return real.openCache();
        }

        @Override
        public void allocate(long rangeIndex, Executor loop, Consumer<Errno> whenDone) {
            real.allocate(rangeIndex, loop, whenDone);
        }

        @Override
        public boolean encrypt(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
            for (int i = 0; i < unitCount * unitBytes; i += Long.BYTES) {
                memory.bytes().putLong(offset + i, ~memory.bytes().getLong(offset + i));
            }
            return false;
        }

        @Override
        public void decryptSparse(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
            encrypt(key, memory, offset, unitBytes, firstUnit, unitCount);
        }

        @Override
        public void decrypt(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
            encrypt(key, memory, offset, unitBytes, firstUnit, unitCount);
        }
    }

    private static final class Counter implements Completion {
        private int done;

        @Override
        public void onComplete(BlockRequest request, long token) {
            done += request.errno() == Errno.OK ? 1 : 0;
        }
    }

    @ParameterizedTest
    @CsvSource({
        "READ,4096,4096",
        "WRITE,4096,4096",
        "READ,0,262144",
        "WRITE,61440,8192",
        "READ,1000,512",
        "WRITE,1000,512",
        "WRITE,1000,20000",
        "TRIM,0,4096",
        "WRITE_ZEROES,8192,262144",
        "FLUSH,0,0"
    })
    void aRequestAllocatesNothing(Command command, long offset, int length) {
        ScatterStore store = new ScatterStore(Rig.DATA_OFFSET + Rig.RANGES * Rig.RANGE, ScatterStore.Timing.INLINE, 1);
        VolumeShape shape = new VolumeShape(Rig.SIZE, 4096, Rig.RANGE_SHIFT, Rig.DATA_OFFSET, false);
        try (FixedKeys keys = new FixedKeys(shape, store, 1)) {
            for (int i = 0; i < Rig.RANGES; i++) {
                keys.setState(i, 1);
            }
            TurnLoop loop = new TurnLoop(0, new io.blockseal.memory.BufferBudget(64 << 20));
            BlockChannel channel = DeviceStack.build(new Flipping(keys)).top().openChannel(loop);
            ArenaBuf buf = loop.buffers().lease(Math.max(1, length));
            BlockRequest request = loop.requests().lease();
            Counter counter = new Counter();
            send(WARM_UP, channel, request, counter, buf, command, offset, length);
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long thread = Thread.currentThread().getId();
            long before = threads.getThreadAllocatedBytes(thread);
            send(MEASURED, channel, request, counter, buf, command, offset, length);
            long bytes = threads.getThreadAllocatedBytes(thread) - before;
            System.out.println(command + " " + offset + "+" + length + ": " + bytes / (double) MEASURED
                    + " bytes allocated per request");
            assertEquals(WARM_UP + MEASURED, counter.done);
            assertTrue(bytes < MEASURED, bytes + " bytes in " + MEASURED + " requests");
            loop.requests().release(request);
            buf.release();
            channel.close();
        }
    }

    private static void send(
            int count,
            BlockChannel channel,
            BlockRequest request,
            Counter counter,
            ArenaBuf buf,
            Command command,
            long offset,
            int length) {
        for (int i = 0; i < count; i++) {
            request.set(command, 0, offset, length).withMemory(buf.memory(), buf.dataOffset());
            request.push(counter, 0);
            channel.submit(request);
            channel.kick();
        }
    }
}
