package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SpareProcessorsTest {
    private long now = 5_000_000_000L;
    private final SpareProcessors two = new SpareProcessors(2, () -> now);
    private final SpareProcessors.Loop first = two.addLoop();
    private final SpareProcessors.Loop second = two.addLoop();

    @Test
    void aLoopThatHasNotWorkedYetNeedsNone() {
        assertTrue(first.oneIsLeft());
        assertTrue(second.oneIsLeft());
    }

    @Test
    void aLoopsOwnWorkIsNotCountedTwice() {
        first.worksUntil(now);
        assertTrue(first.oneIsLeft());
        assertFalse(second.oneIsLeft(), "it needs one itself when it asks");
    }

    /** A client that is connected and sends nothing must not slow down the others. */
    @Test
    void aLoopWithoutWorkForAWhileNeedsNoneAnyMore() {
        second.worksUntil(now);
        now += SpareProcessors.INTERVAL_NANOS - 1;
        assertFalse(first.oneIsLeft());
        now++;
        assertTrue(first.oneIsLeft());
    }

    @Test
    void aLoopThatGoesOnWorkingStaysCounted() {
        for (int i = 0; i < 1000; i++) {
            second.worksUntil(now);
            assertFalse(first.oneIsLeft(), "after " + i + " turns");
            now += 50_000;
        }
        now += SpareProcessors.INTERVAL_NANOS;
        assertTrue(first.oneIsLeft());
        second.worksUntil(now);
        assertFalse(first.oneIsLeft(), "it begins again");
    }

    @Test
    void threadsThatWorkForLoopsAreCountedUntilTheyEnd() {
        second.take(1);
        assertFalse(first.oneIsLeft());
        now += SpareProcessors.INTERVAL_NANOS * 100;
        assertFalse(first.oneIsLeft());
        second.take(-1);
        assertTrue(first.oneIsLeft());
    }

    @Test
    void withMoreProcessorsMoreLoopsMayWork() {
        SpareProcessors four = new SpareProcessors(4, () -> now);
        SpareProcessors.Loop asks = four.addLoop();
        for (int busy = 1; busy <= 2; busy++) {
            four.addLoop().worksUntil(now);
            assertTrue(asks.oneIsLeft(), busy + " others work");
        }
        four.addLoop().worksUntil(now);
        assertFalse(asks.oneIsLeft());
    }

    @Test
    void theOnlyProcessorIsNeverLeft() {
        assertFalse(new SpareProcessors(1, () -> now).addLoop().oneIsLeft());
    }
}
