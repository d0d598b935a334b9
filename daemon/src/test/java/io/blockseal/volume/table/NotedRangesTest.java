package io.blockseal.volume.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class NotedRangesTest {
    private final AtomicInteger wakes = new AtomicInteger();
    private final NotedRanges ranges = new NotedRanges(1000, wakes::incrementAndGet);

    private List<Long> takeAll() {
        List<Long> taken = new ArrayList<>();
        for (long range = ranges.takeFrom(0); range >= 0; range = ranges.takeFrom(range + 1)) {
            taken.add(range);
        }
        return taken;
    }

    @Test
    void givesEachRangeOnceInOrder() {
        Random random = new Random(1);
        TreeSet<Long> noted = new TreeSet<>(List.of(0L, 63L, 64L, 999L));
        for (int i = 0; i < 200; i++) {
            noted.add((long) random.nextInt(1000));
        }
        noted.forEach(ranges::note);
        noted.forEach(ranges::note);
        assertEquals(List.copyOf(noted), takeAll());
        assertEquals(List.of(), takeAll());
    }

    @Test
    void wakesOnceUntilSomebodyLooks() {
        ranges.note(1);
        ranges.note(2);
        ranges.set(3);
        assertEquals(1, wakes.get());
        ranges.beginLooking();
        ranges.note(2);
        assertEquals(2, wakes.get());
        assertEquals(List.of(1L, 2L, 3L), takeAll());
    }

    @Test
    void whatComesBehindTheLookerIsThereNextTime() {
        ranges.note(500);
        assertEquals(500, ranges.takeFrom(0));
        ranges.note(100);
        assertEquals(-1, ranges.takeFrom(501));
        assertEquals(List.of(100L), takeAll());
    }
}
