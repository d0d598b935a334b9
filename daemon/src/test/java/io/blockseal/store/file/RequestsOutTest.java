package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A result that were given to another request, or an age that were another's, would be silent. */
class RequestsOutTest {
    private static final int CAPACITY = 8;

    private record Entry(int tag, BlockRequest request, long begun) {}

    @Test
    void keepsEachRequestAndItsAgeWhateverComesAndGoes() {
        long seed = Long.getLong("blockseal.test.seed", System.nanoTime());
        System.out.println("RequestsOutTest seed " + seed);
        Random random = new Random(seed);
        FileChannelOfLoop channel = channel();
        RequestsOut out = new RequestsOut(CAPACITY);
        List<Entry> model = new ArrayList<>();
        for (int step = 0; step < 10_000; step++) {
            if (model.size() < CAPACITY && (model.isEmpty() || random.nextBoolean())) {
                BlockRequest request = new BlockRequest();
                int tag = out.add(request, channel);
                assertTrue(model.stream().noneMatch(entry -> entry.tag() == tag), "seed " + seed);
                out.stampNewest(1, 2L * step);
                model.add(new Entry(tag, request, 2L * step));
            } else {
                Entry entry = model.remove(random.nextInt(model.size()));
                assertSame(entry.request(), out.request(entry.tag()), "seed " + seed);
                assertSame(channel, out.channel(entry.tag()), "seed " + seed);
                out.remove(entry.tag());
            }
            assertEquals(model.isEmpty(), out.isEmpty());
            assertEquals(model.size() == CAPACITY, out.isFull());
            assertEquals(
                    model.isEmpty() ? StallGuard.IDLE : model.get(0).begun() | 1, out.oldestBegun(), "seed " + seed);
            int newest = model.isEmpty()
                    ? RequestsOut.NONE
                    : model.get(model.size() - 1).tag();
            assertEquals(newest, out.newest(), "seed " + seed);
        }
    }

    @Test
    void aBurstGoesOutAtOneTime() {
        RequestsOut out = new RequestsOut(CAPACITY);
        FileChannelOfLoop channel = channel();
        int first = out.add(new BlockRequest(), channel);
        out.stampNewest(1, 10);
        int second = out.add(new BlockRequest(), channel);
        out.add(new BlockRequest(), channel);
        out.stampNewest(2, 20);
        assertEquals(11, out.oldestBegun());
        out.remove(first);
        assertEquals(21, out.oldestBegun());
        out.remove(second);
        assertEquals(21, out.oldestBegun());
    }

    private static FileChannelOfLoop channel() {
        return new FileChannelOfLoop(new PolledLoop(), null, new LanePool("none"), Lanes.RING, null);
    }
}
