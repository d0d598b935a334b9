package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.ChannelDriver;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ThreadLoop;
import io.blockseal.volume.VolumeShape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Real threads: writers whose bytes lie between each other's in the same units. */
class ThreadedLoopsTest {
    private static final int LOOPS = 4;
    private static final int SLICE = 300;
    private static final int SIZE = 4 << 16;
    private static final int REQUESTS = 1500;

    @Test
    void writersInTheSameUnitsLoseNothing() throws Exception {
        long seed = Long.getLong("blockseal.seed", 4711L);
        System.out.println("ThreadedLoopsTest seed=" + seed);
        ScatterStore store = new ScatterStore(2 * SIZE, ScatterStore.Timing.MIXED, seed);
        VolumeShape shape = new VolumeShape(SIZE, 4096, 16, 4096, false);
        byte[] model = new byte[SIZE];
        ExecutorService writers = Executors.newFixedThreadPool(LOOPS);
        List<ThreadLoop> loops = new ArrayList<>();
        try (FixedKeys plane = new FixedKeys(shape, store, seed)) {
            DeviceStack stack = DeviceStack.build(plane);
            List<Future<Boolean>> running = new ArrayList<>();
            for (int i = 0; i < LOOPS; i++) {
                ThreadLoop loop = new ThreadLoop(i);
                loops.add(loop);
                running.add(writers.submit(writer(stack, loop, model, new Random(seed + i))));
            }
            for (Future<Boolean> writer : running) {
                assertTrue(writer.get(120, TimeUnit.SECONDS));
            }
            try (ChannelDriver reader = new ChannelDriver(loops.get(0), stack.top())) {
                byte[] all = new byte[SIZE];
                assertEquals(Errno.OK, reader.read(0, all));
                assertArrayEquals(model, all);
            }
            assertTrue(stack.top().locks().isIdle());
            for (ThreadLoop loop : loops) {
                assertEquals(0, loop.buffers().leasedCount());
                assertEquals(0, loop.call(() -> loop.requests().leasedCount()));
            }
        } finally {
            writers.shutdownNow();
            loops.forEach(ThreadLoop::close);
        }
    }

    /** Slices belong to the writers in turn, so that a unit has bytes of all of them. */
    private static Callable<Boolean> writer(DeviceStack stack, ThreadLoop loop, byte[] model, Random random) {
        return () -> {
            try (ChannelDriver driver = new ChannelDriver(loop, stack.top())) {
                for (int i = 0; i < REQUESTS; i++) {
                    int slice = random.nextInt(SIZE / SLICE / LOOPS) * LOOPS + loop.index();
                    int from = slice * SLICE;
                    if (random.nextInt(4) == 0) {
                        byte[] got = new byte[SLICE];
                        assertEquals(Errno.OK, driver.read(from, got));
                        assertArrayEquals(Arrays.copyOfRange(model, from, from + SLICE), got);
                    } else if (random.nextInt(4) == 0) {
                        assertEquals(Errno.OK, driver.run(Command.WRITE_ZEROES, 0, from, SLICE));
                        Arrays.fill(model, from, from + SLICE, (byte) 0);
                    } else {
                        byte[] data = Rig.noise(random.nextLong(), SLICE);
                        assertEquals(Errno.OK, driver.write(from, data, 0));
                        System.arraycopy(data, 0, model, from, SLICE);
                    }
                }
            }
            return true;
        };
    }
}
