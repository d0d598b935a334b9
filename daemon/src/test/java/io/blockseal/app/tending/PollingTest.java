package io.blockseal.app.tending;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;
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
        assertTrue(pauseMillis >= 5600 && pauseMillis <= 7000, () -> "a pause of " + pauseMillis + " ms");
        later.remove().run();
        assertEquals(2, looks);
        assertEquals(1, later.size());
        polling.close();
    }

    /** Volumes that were opened in the same second do not ask their source in the same second for ever. */
    @Test
    void pausesOfSeveralAreNotTheSame() {
        Set<Long> pauses = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            begin().close();
            pauses.add(pauseMillis);
        }
        // Of 1401 pauses, each as probable as another, a hundred volumes hardly ever take less than fifty.
        assertTrue(pauses.size() >= 50, () -> "only " + pauses.size() + " different pauses");
        assertTrue(pauses.stream().allMatch(each -> each >= 5600 && each <= 7000), pauses::toString);
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
