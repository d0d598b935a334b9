package io.blockseal.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RememberedTest {
    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 50);
    private final AtomicLong made = new AtomicLong();
    private final Remembered<Long> figure = new Remembered<>(100, nanos::get);

    @Test
    void isMadeAnewOnlyWhenItIsTooOld() {
        assertEquals(1, figure.get(made::incrementAndGet));
        nanos.addAndGet(99);
        assertEquals(1, figure.get(made::incrementAndGet), "a second scraper makes no work");
        nanos.addAndGet(1);
        assertEquals(2, figure.get(made::incrementAndGet));
        nanos.addAndGet(99);
        assertEquals(2, figure.get(made::incrementAndGet), "counted from the last time it was made");
    }
}
