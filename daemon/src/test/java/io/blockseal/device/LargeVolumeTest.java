package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.memory.BufferBudget;
import io.blockseal.store.BlockStore;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.VolumeShape;
import io.blockseal.volume.table.RangeWord;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Requests over very many ranges: no recursion, no endless turn, no list without bound. */
class LargeVolumeTest {
    /** All ranges in one state, all in slot 0. */
    private record Uniform(VolumeShape shape, BlockStore dataStore, long theWord) implements DataPlane {
        @Override
        public XtsEngine xts() {
            return null; // Nothing is read or written.
        }

        @Override
        public long word(long rangeIndex) {
            return theWord;
        }

        @Override
        public DekCache openCache() {
            return new DekCache() {
                @Override
                public int keyFor(long rangeIndex, long word) {
                    return 0;
                }

                @Override
                public int pin(long rangeIndex, long word) {
                    return 0;
                }

                @Override
                public int pinnedKey(int pin) {
                    throw new AssertionError("nothing is pinned");
                }

                @Override
                public void unpin(int pin) {
                    throw new AssertionError("nothing is pinned");
                }

                @Override
                public void forget(long first, long count) {}

                @Override
                public void close() {}
            };
        }

        @Override
        public void allocate(long rangeIndex, Executor loop, Consumer<Errno> whenDone) {
            throw new UnsupportedOperationException("nothing is written");
        }
    }

    private final TurnLoop loop = new TurnLoop(0, new BufferBudget(1 << 20));
    private final ScatterStore store = new ScatterStore(2 << 16, ScatterStore.Timing.INLINE, 1);
    private Errno outcome;

    private int run(int rangeShift, long sizeBytes, long word, BlockRequest request) {
        VolumeShape shape = new VolumeShape(sizeBytes, 4096, rangeShift, 0, false);
        BlockChannel channel =
                DeviceStack.build(new Uniform(shape, store, word)).top().openChannel(loop);
        request.push((done, token) -> outcome = done.errno(), 0);
        channel.submit(request);
        channel.kick();
        int turns = 0;
        while (loop.takeTurn()) {
            turns++;
        }
        channel.close();
        assertEquals(Errno.OK, outcome);
        return turns;
    }

    @Test
    void trimsAnEmptyVolumeOf100TebibytesInSeveralTurns() {
        long size = 100L << 40;
        int turns = run(26, size, 0, new BlockRequest().set(Command.TRIM, 0, 1, size - 2));
        assertTrue(turns > 100, "turns: " + turns);
        assertEquals(0, store.callsInAll());
    }

    @Test
    void zeroesManyRangesOnAStoreThatCompletesAtOnceWithoutRecursion() {
        long ranges = 60_000;
        int turns = run(
                16,
                ranges << 16,
                RangeWord.of(RangeWord.ACTIVE, 0, 1),
                new BlockRequest().set(Command.WRITE_ZEROES, 0, 0, ranges << 16));
        assertEquals(ranges, store.calls(Command.WRITE_ZEROES));
        assertTrue(turns > 100, "turns: " + turns);
    }

    @Test
    void describesAHugeHoleInOneExtentAndABoundedAmountOfWork() {
        long size = 1L << 60;
        ExtentList list = new ExtentList(16);
        int turns = run(
                26,
                size,
                0,
                new BlockRequest().set(Command.BLOCK_STATUS, 0, 5, size - 5).withExtents(list));
        assertEquals(0, turns);
        assertEquals(1, list.count());
        assertTrue(list.totalBytes() >= 1L << 40, "a useful part of it: " + list.totalBytes());
    }

    @Test
    void asksTheStoreABoundedNumberOfTimes() {
        ExtentList list = new ExtentList(16);
        run(
                16,
                1L << 40,
                RangeWord.of(RangeWord.ACTIVE, 0, 1),
                new BlockRequest().set(Command.BLOCK_STATUS, 0, 0, 1L << 40).withExtents(list));
        assertTrue(store.calls(Command.BLOCK_STATUS) <= 32);
        assertTrue(list.totalBytes() >= 32L << 16);
    }

    @Test
    void looksUpABoundedNumberOfGenerationsForOneAnswer() {
        long size = 1L << 40;
        VolumeShape shape = new VolumeShape(size, 4096, 16, 0, false);
        ExtentList list = new ExtentList(16);
        new DekGenerations(new Uniform(shape, store, RangeWord.of(RangeWord.ACTIVE, 0, 7))).fill(5, size - 5, list);
        assertEquals(1, list.count());
        assertEquals(7, list.state(0));
        assertEquals(((long) StatusWalk.RANGES_MAX << 16) - 5, list.totalBytes());
    }

    @Test
    void refusesOnlyWhatIsOutsideEvenNearTheLargestSize() {
        long size = (1L << 62) + (1L << 61);
        run(34, size, 0, new BlockRequest().set(Command.CACHE, 0, size - 1, 1));
        run(34, size, 0, new BlockRequest().set(Command.TRIM, 0, size - 5000, 5000));
    }
}
