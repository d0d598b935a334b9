package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.LongToDoubleFunction;
import org.junit.jupiter.api.Test;

/** On a clock of its own, and clients that send so many requests a second as the pause lets them. */
class GatheringTest {
    private static final long SECOND = 1_000_000_000;
    private static final long NONE = Gathering.PAUSES_NANOS[0];
    private static final long SHORT = Gathering.PAUSES_NANOS[1];
    private static final long LONG = Gathering.PAUSES_NANOS[2];
    /** A turn of the loop, without its pause. */
    private static final long TURN_NANOS = 20_000;
    /** A round of all pauses, and a window before it that is not whole. */
    private static final long TRIAL_NANOS = (Gathering.TRIAL_WINDOWS * Gathering.PAUSES_NANOS.length + 2)
            * (Gathering.WINDOW_NANOS + TURN_NANOS + LONG);

    private long now = 5 * SECOND;
    private final Gathering gathering = new Gathering(now);
    private double owed;
    /** How long each pause was in use. */
    private final long[] usedNanos = new long[Gathering.PAUSES_NANOS.length];

    private long turn(LongToDoubleFunction perSecond) {
        long pause = gathering.pauseNanos(now);
        long lasts = TURN_NANOS + pause;
        usedNanos[index(pause)] += lasts;
        now += lasts;
        owed += perSecond.applyAsDouble(pause) * lasts / SECOND;
        for (; owed >= 1; owed--) {
            gathering.countRequest();
        }
        return pause;
    }

    private static int index(long pause) {
        for (int i = 0; i < Gathering.PAUSES_NANOS.length; i++) {
            if (Gathering.PAUSES_NANOS[i] == pause) {
                return i;
            }
        }
        throw new AssertionError("a pause of " + pause + " ns is none of them");
    }

    /** Clients like that for so long; then the share of that time in which each pause was in use. */
    private double[] serve(long nanos, LongToDoubleFunction perSecond) {
        Arrays.fill(usedNanos, 0);
        long until = now + nanos;
        long begun = now;
        while (now < until) {
            turn(perSecond);
        }
        double lasted = now - begun;
        return Arrays.stream(usedNanos).mapToDouble(each -> each / lasted).toArray();
    }

    /** What a client with many requests under way did: each pause helps, the longer one more. */
    private static double deep(long pause) {
        return pause == NONE ? 180_000 : pause == SHORT ? 205_000 : 218_000;
    }

    /** One that has eight of them: a long pause makes it wait. */
    private static double shallow(long pause) {
        return pause == NONE ? 180_000 : pause == SHORT ? 205_000 : 148_000;
    }

    /** One that has two. */
    private static double pair(long pause) {
        return pause == NONE ? 178_000 : pause == SHORT ? 50_000 : 42_000;
    }

    @Test
    void usesThePauseWithWhichMostCame() {
        serve(TRIAL_NANOS, GatheringTest::deep);
        assertEquals(LONG, turn(GatheringTest::deep));
        assertTrue(serve(10 * SECOND, GatheringTest::deep)[2] > 0.9);
    }

    @Test
    void takesAShorterOneWhereALongOneMakesTheClientWait() {
        serve(TRIAL_NANOS, GatheringTest::shallow);
        assertEquals(SHORT, turn(GatheringTest::shallow));
        assertTrue(serve(10 * SECOND, GatheringTest::shallow)[1] > 0.9);
    }

    @Test
    void keepsAClientThatHasNothingElseToSendFromHardlyAnything() {
        double[] shares = serve(20 * SECOND, GatheringTest::pair);
        assertTrue(shares[1] + shares[2] < 0.003, () -> shares[1] + " and " + shares[2] + " of the time");
        assertTrue(shares[1] > 0 && shares[2] > 0, "nothing was tried");
    }

    @Test
    void triesNothingWhereRequestsAreFew() {
        assertEquals(1, serve(20 * SECOND, pause -> 79_000)[0]);
    }

    /** An advantage within what figures vary by is none. */
    @Test
    void takesNoPauseThatGainsNothing() {
        serve(SECOND, pause -> pause == NONE ? 180_000 : 185_000);
        assertEquals(NONE, turn(pause -> 180_000));
    }

    @Test
    void triesAgainWhatDidNotHelpLessAndLessOften() {
        long last = 0;
        long every = Gathering.TRIAL_EVERY_NANOS_MIN;
        for (int i = 0; i < 8; i++) {
            while (turn(GatheringTest::pair) == NONE) {
                assertTrue(now - last < 2 * every || last == 0, "it is not tried again");
            }
            if (i > 0) {
                assertEquals(every, now - last, TRIAL_NANOS, "trial " + i);
                every = Math.min(2 * every, Gathering.TRIAL_EVERY_NANOS_MAX);
            }
            last = now;
            serve(TRIAL_NANOS, GatheringTest::pair);
        }
    }

    /** The first client leaves, one that suffers from its pause comes. */
    @Test
    void endsAPauseAtOnceThatStarvesTheNextClient() {
        serve(SECOND, GatheringTest::deep);
        double[] shares = serve(SECOND, GatheringTest::pair);
        assertTrue(shares[1] + shares[2] < 0.03, () -> shares[1] + " and " + shares[2] + " of the time");
    }

    @Test
    void endsItWhenTheLoopHasSlept() {
        serve(SECOND, GatheringTest::deep);
        now += SECOND;
        assertEquals(NONE, turn(GatheringTest::deep));
        serve(TRIAL_NANOS, GatheringTest::deep);
        assertEquals(LONG, turn(GatheringTest::deep), "it is found again soon");
    }

    /** Somebody else has the processor for some milliseconds now and then, as on any machine. */
    @Test
    void isNotLedAstrayByDisturbances() {
        long seed = 20261127;
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        serve(TRIAL_NANOS, GatheringTest::deep);
        double[] shares = serve(20 * SECOND, pause -> {
            if (random.nextInt(4_000) == 0) {
                now += 1_000_000 + random.nextLong(3_000_000);
            }
            return deep(pause);
        });
        assertTrue(shares[0] < 0.1, () -> shares[0] + " of the time without a pause");
        double[] others = serve(20 * SECOND, pause -> {
            if (random.nextInt(4_000) == 0) {
                now += 1_000_000 + random.nextLong(3_000_000);
            }
            return pair(pause);
        });
        assertTrue(others[1] + others[2] < 0.01, () -> others[1] + " and " + others[2] + " of the time");
    }

    /** Another load after a long while is tried as if it were the first. */
    @Test
    void forgetsWhatItKnewOfALoadLongAgo() {
        serve(20 * SECOND, GatheringTest::pair);
        now += Gathering.TRIAL_EVERY_NANOS_MAX;
        serve(TRIAL_NANOS + Gathering.WINDOW_NANOS, GatheringTest::deep);
        assertEquals(LONG, turn(GatheringTest::deep));
    }
}
