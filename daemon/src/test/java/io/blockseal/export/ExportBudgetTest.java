package io.blockseal.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** So many requests and bytes in a second, by a clock of the test's own. */
class ExportBudgetTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    /** How many requests of so many bytes are let through in so many seconds by a client that never rests. */
    private static long taken(ExportBudget budget, long bytes, int seconds, long start) {
        long now = start;
        long taken = 0;
        while (now - start < seconds * SECOND) {
            long wait = budget.take(bytes, now);
            taken += wait == 0 ? 1 : 0;
            now += wait;
        }
        return taken;
    }

    /** The clock may begin anywhere. */
    @ParameterizedTest
    @ValueSource(longs = {0, 1_000_000_000_000L, -5_000_000_000L, Long.MAX_VALUE - 3_000_000_000L})
    void letsThroughWhatASecondHasAndOneBurst(long start) {
        long inTen = taken(new ExportBudget(1000, 0), 4096, 10, start);
        assertTrue(inTen >= 10_000 && inTen <= 10_201, inTen + " requests");
        long bytes = 4096 * taken(new ExportBudget(0, 1 << 20), 4096, 10, start);
        assertTrue(bytes >= 10L << 20 && bytes <= (10L << 20) + (1 << 18), bytes + " bytes");
    }

    @Test
    void theTighterOfTheTwoCounts() {
        long both = taken(new ExportBudget(100, 1 << 30), 4096, 10, 7);
        assertTrue(both >= 1000 && both <= 1021, both + " requests");
        long large = taken(new ExportBudget(100, 1 << 20), 1 << 20, 10, 7);
        assertTrue(large >= 10 && large <= 12, large + " requests");
    }

    /** One that is larger than a second's budget is not refused for ever; it is paid off. */
    @Test
    void aLargeRequestPassesAndIsPaidOffAfterwards() {
        ExportBudget budget = new ExportBudget(0, 1 << 20);
        assertEquals(0, budget.take(32 << 20, 5));
        long wait = budget.take(1, 5);
        assertEquals(32 * SECOND - ExportBudget.BURST_NANOS, wait);
        assertEquals(0, budget.take(1, 5 + wait));
    }

    /** Nobody saves up a night's budget. */
    @Test
    void aLongPauseBringsOneBurst() {
        ExportBudget budget = new ExportBudget(1000, 0);
        taken(budget, 0, 1, 0);
        long night = 8 * 3600 * SECOND;
        long atOnce = 0;
        while (budget.take(0, night) == 0) {
            atOnce++;
        }
        assertTrue(atOnce >= 200 && atOnce <= 202, atOnce + " at once");
    }

    @Test
    void whatHasToWaitCostsNothing() {
        ExportBudget budget = new ExportBudget(1, 1 << 20);
        assertEquals(0, budget.take(100, 0));
        long wait = budget.take(1 << 20, 0);
        for (int i = 0; i < 1000; i++) {
            assertEquals(wait, budget.take(1 << 20, 0));
        }
    }

    @Test
    void withoutALimitNothingWaits() {
        assertFalse(ExportBudget.UNLIMITED.isLimited());
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            assertEquals(0, ExportBudget.UNLIMITED.take(random.nextInt(1 << 25), 0));
        }
    }

    @Test
    void severalLoopsTogetherGetNoMore() throws Exception {
        ExportBudget budget = new ExportBudget(1000, 0);
        AtomicLong all = new AtomicLong();
        Thread[] loops = new Thread[4];
        for (int i = 0; i < loops.length; i++) {
            loops[i] = new Thread(() -> {
                for (int n = 0; n < 20_000; n++) {
                    all.addAndGet(budget.take(0, 1000) == 0 ? 1 : 0);
                }
            });
            loops[i].start();
        }
        for (Thread each : loops) {
            each.join();
        }
        // Each may have looked before another one paid.
        assertTrue(all.get() >= 201 && all.get() <= 201 + loops.length, all + " at one moment");
    }
}
