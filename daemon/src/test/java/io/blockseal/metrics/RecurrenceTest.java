package io.blockseal.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What goes on for hours is told of at once and does not fill the log. */
class RecurrenceTest {
    private final AtomicLong nanos = new AtomicLong(-17);
    private final Recurrence recurrence = new Recurrence(nanos::get);

    @Test
    void isToldAtOnceAndThenOnceAMinuteWithAllThatCameInBetween() {
        assertEquals(1, recurrence.count());
        for (int i = 0; i < 59; i++) {
            nanos.addAndGet(1_000_000_000L);
            assertEquals(0, recurrence.count());
        }
        nanos.addAndGet(2_000_000_000L);
        assertEquals(60, recurrence.count());
        assertEquals(0, recurrence.count());
    }

    @Test
    void isToldAtOnceAfterALongRest() {
        recurrence.count();
        recurrence.count();
        nanos.addAndGet(3_600_000_000_000L);
        assertEquals(2, recurrence.count(), "the one before was not told of");
        nanos.addAndGet(3_600_000_000_000L);
        assertEquals(1, recurrence.count());
    }
}
