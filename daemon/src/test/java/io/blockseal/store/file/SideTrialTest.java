package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** On a clock of its own, with calls that take as long as the way lets them. */
class SideTrialTest {
    private static final int LENGTH = 256 << 10;
    private static final int TRIAL_CALLS = 2 * SideTrial.WINDOWS * SideTrial.WINDOW_CALLS;
    private static final long SECOND = 1_000_000_000;

    private long now = 7 * SECOND;
    private final SideTrial trial = new SideTrial(() -> now);
    private final SplittableRandom random = new SplittableRandom(5);
    private long asideNanos = 80_000;
    private long onLoopNanos = 80_000;
    /** How much a call may take longer, in percent of what it takes. */
    private int noisePercent;

    private boolean call() {
        boolean aside = trial.isAside(LENGTH);
        long takes = aside ? asideNanos : onLoopNanos;
        now += takes + takes * random.nextInt(noisePercent + 1) / 100;
        return aside;
    }

    /** So many calls; how many of them were made beside the loop. */
    private int calls(int count) {
        int aside = 0;
        for (int i = 0; i < count; i++) {
            aside += call() ? 1 : 0;
        }
        return aside;
    }

    /** From the start until the first trial has ended. */
    private void tryOut() {
        calls(SideTrial.WINDOW_CALLS + TRIAL_CALLS);
    }

    @Test
    void beginsBesideTheLoop() {
        assertEquals(SideTrial.WINDOW_CALLS - 1, calls(SideTrial.WINDOW_CALLS - 1));
    }

    @Test
    void triesBothWaysForAsLong() {
        calls(SideTrial.WINDOW_CALLS - 1);
        assertEquals(TRIAL_CALLS / 2, calls(TRIAL_CALLS));
    }

    @ParameterizedTest
    @CsvSource({
        "80000, 80000, false",
        "80000, 60000, false",
        "78000, 80000, false",
        "72000, 80000, true",
        "40000, 80000, true"
    })
    void staysBesideTheLoopOnlyIfThatIsClearlyFaster(long aside, long onLoop, boolean expected) {
        noisePercent = 3;
        asideNanos = aside;
        onLoopNanos = onLoop;
        tryOut();
        assertEquals(expected ? 64 : 0, calls(64));
    }

    @Test
    void oneSlowWindowOfEachWayDecidesNothing() {
        asideNanos = 50_000;
        calls(SideTrial.WINDOW_CALLS + TRIAL_CALLS / 2);
        // Somebody else needed the processor.
        now += 20_000_000;
        calls(TRIAL_CALLS / 2);
        assertTrue(call());
    }

    @Test
    void asksAgainSoonWhereTheWayHasChangedAndLessOftenWhereItHasNot() {
        onLoopNanos = 40_000;
        tryOut();
        long settled = now;
        while (!call()) {
            assertTrue(now - settled < 2 * SideTrial.TRIAL_EVERY_NANOS_MIN, "no second trial");
        }
        assertTrue(now - settled >= SideTrial.TRIAL_EVERY_NANOS_MIN, "the second trial comes at once");
        calls(TRIAL_CALLS);
        settled = now;
        while (!call()) {
            assertTrue(now - settled < 3 * SideTrial.TRIAL_EVERY_NANOS_MIN, "no third trial");
        }
        assertTrue(now - settled >= 2 * SideTrial.TRIAL_EVERY_NANOS_MIN - SECOND / 10, "the third is not put off");
    }

    @Test
    void findsOutWhenTheOtherWayHasBecomeFaster() {
        onLoopNanos = 40_000;
        tryOut();
        assertFalse(call());
        asideNanos = 20_000;
        long changed = now;
        while (now - changed < SideTrial.TRIAL_EVERY_NANOS_MAX + SECOND) {
            call();
        }
        assertEquals(100, calls(100));
    }

    @Test
    void costsLittleWhereTheOtherWayIsMuchSlower() {
        asideNanos = 160_000;
        onLoopNanos = 80_000;
        tryOut();
        long settled = now;
        int all = 0;
        int aside = 0;
        while (now - settled < 60 * SECOND) {
            aside += call() ? 1 : 0;
            all++;
        }
        assertTrue(aside * 50L < all, aside + " of " + all + " calls were tried in vain");
    }

    @Test
    void fewCallsAreNotTriedAndChangeNothing() {
        asideNanos = 40_000;
        tryOut();
        assertTrue(call());
        asideNanos = 10_000_000;
        onLoopNanos = 5_000_000;
        assertEquals(1000, calls(1000), "calls that are far apart were made in turn");
    }
}
