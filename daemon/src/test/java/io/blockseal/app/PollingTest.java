package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.Test;

/** What a daemon looks at again and again is looked at until it is closed, whatever one look comes to. */
class PollingTest {
    private final Deque<Runnable> later = new ArrayDeque<>();
    private long pauseMillis;
    private int looks;
    private boolean broken;

    private Polling begin() {
        return Polling.begin(this::look, 7, Runnable::run, (delayMillis, task) -> {
            pauseMillis = delayMillis;
            later.add(task);
        });
    }

    private void look() {
        looks++;
        if (broken) {
            throw new IllegalStateException("broken");
        }
    }

    @Test
    void looksAtOnceAndThenAfterEachPause() {
        Polling polling = begin();
        assertEquals(1, looks);
        assertEquals(7000, pauseMillis);
        later.remove().run();
        assertEquals(2, looks);
        assertEquals(1, later.size());
        polling.close();
    }

    @Test
    void goesOnAfterALookThatBroke() {
        Polling polling = begin();
        broken = true;
        assertThrows(IllegalStateException.class, later.remove()::run);
        broken = false;
        later.remove().run();
        assertEquals(3, looks);
        polling.close();
    }

    @Test
    void looksNoMoreOnceItIsClosed() {
        Polling polling = begin();
        polling.close();
        later.remove().run();
        assertEquals(1, looks);
        assertEquals(0, later.size());
    }
}
