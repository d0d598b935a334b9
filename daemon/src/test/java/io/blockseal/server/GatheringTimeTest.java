package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.nbd.NbdReplyStyle;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.function.LongToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On a clock of its own, and clients that send so many requests a second as the time lets them. */
class GatheringTimeTest {
    private static final long SECOND = 1_000_000_000;
    private static final long NONE = GatheringTime.TIMES_NANOS[0];
    private static final long SHORT = GatheringTime.TIMES_NANOS[1];
    private static final long LONG = GatheringTime.TIMES_NANOS[2];
    /** A turn of the loop, without what it waits. */
    private static final long TURN_NANOS = 20_000;
    /** A trial, and the window before it, which is perhaps not whole. */
    private static final long TRIAL_NANOS = (GatheringTime.TRIAL_WINDOWS * GatheringTime.TIMES_NANOS.length + 2)
            * (GatheringTime.WINDOW_NANOS + TURN_NANOS + LONG);

    private long now = 5 * SECOND;
    private final GatheringTime gathering = new GatheringTime(now);
    private Object client = new Object();
    private final Object neighbour = new Object();
    private double owed;
    private boolean possible = true;
    /** How long each time was in use. */
    private final long[] usedNanos = new long[GatheringTime.TIMES_NANOS.length];

    private long turn(LongToDoubleFunction perSecond) {
        long time = gathering.nanos(now, possible);
        long lasts = TURN_NANOS + time;
        usedNanos[Arrays.binarySearch(GatheringTime.TIMES_NANOS, time)] += lasts;
        now += lasts;
        owed += perSecond.applyAsDouble(time) * lasts / SECOND;
        for (; owed >= 1; owed--) {
            gathering.countRequest(client);
        }
        return time;
    }

    /** Clients like that for so long; then the share of that time in which there was a time to gather. */
    private double serve(long nanos, LongToDoubleFunction perSecond) {
        Arrays.fill(usedNanos, 0);
        long begun = now;
        while (now - begun < nanos) {
            turn(perSecond);
        }
        return share(1, begun) + share(2, begun);
    }

    private double share(int time, long begun) {
        return usedNanos[time] / (double) (now - begun);
    }

    /** What a client with many requests under way did: each time helps, the longer one more. */
    private static double deep(long time) {
        return time == NONE ? 180_000 : time == SHORT ? 205_000 : 218_000;
    }

    /** One that has eight of them: a long time makes it wait. */
    private static double shallow(long time) {
        return time == NONE ? 180_000 : time == SHORT ? 205_000 : 148_000;
    }

    /** One that has two. */
    private static double pair(long time) {
        return time == NONE ? 178_000 : time == SHORT ? 50_000 : 42_000;
    }

    private void settleOnTheLongOne() {
        serve(TRIAL_NANOS, GatheringTimeTest::deep);
        assertEquals(LONG, turn(GatheringTimeTest::deep));
    }

    @Test
    void usesTheTimeWithWhichMostCome() {
        settleOnTheLongOne();
        long begun = now;
        serve(10 * SECOND, GatheringTimeTest::deep);
        assertTrue(share(2, begun) > 0.95, () -> share(2, begun) + " of the time");
    }

    @Test
    void takesAShorterOneWhereALongOneMakesTheClientWait() {
        serve(TRIAL_NANOS, GatheringTimeTest::shallow);
        assertEquals(SHORT, turn(GatheringTimeTest::shallow));
        long begun = now;
        serve(10 * SECOND, GatheringTimeTest::shallow);
        assertTrue(share(1, begun) > 0.95, () -> share(1, begun) + " of the time");
    }

    @Test
    void keepsAClientThatHasNothingElseToSendFromHardlyAnything() {
        long begun = now;
        double share = serve(20 * SECOND, GatheringTimeTest::pair);
        assertTrue(share > 0 && share < 0.006, () -> share + " of the time");
        assertTrue(share(1, begun) > 0 && share(2, begun) > 0, "not all was tried");
    }

    @Test
    void triesNothingWhereRequestsAreFew() {
        assertEquals(0, serve(20 * SECOND, time -> 79_000));
        settleOnTheLongOne();
    }

    /** An advantage within what figures vary by is none. */
    @Test
    void takesNoneThatGainsNothing() {
        double share = serve(SECOND, time -> time == NONE ? 180_000 : 185_000);
        assertTrue(share > 0, "nothing was tried");
        assertEquals(NONE, turn(time -> 180_000));
    }

    @Test
    void triesAgainWhatDidNotHelpLessAndLessOften() {
        long last = 0;
        long every = GatheringTime.TRIAL_EVERY_NANOS_MIN;
        for (int i = 0; i < 8; i++) {
            while (turn(GatheringTimeTest::pair) == NONE) {
                assertTrue(last == 0 || now - last < 2 * every + TRIAL_NANOS, "it is not tried again");
            }
            if (i > 0) {
                every = Math.min(2 * every, GatheringTime.TRIAL_EVERY_NANOS_MAX);
                assertEquals(every, now - last, TRIAL_NANOS, "trial " + i);
            }
            last = now;
            serve(TRIAL_NANOS, GatheringTimeTest::pair);
        }
    }

    /** What was found in passing is looked at again soon. */
    @Test
    void triesAgainSoonWhatHasChanged() {
        serve(20 * SECOND, GatheringTimeTest::pair);
        for (long begun = now; turn(GatheringTimeTest::deep) == NONE; ) {
            assertTrue(now - begun < GatheringTime.TRIAL_EVERY_NANOS_MAX + TRIAL_NANOS, "it is not tried again");
        }
        settleOnTheLongOne();
        long begun = now;
        serve(GatheringTime.TRIAL_EVERY_NANOS_MIN + TRIAL_NANOS, GatheringTimeTest::deep);
        assertTrue(share(1, begun) > 0, "no trial");
    }

    /** So many bursts with breaks between them; then the share of the bursts in which each time was in use. */
    private double[] serveBursts(int count, long nanos, long breakNanos, LongToDoubleFunction perSecond) {
        double[] used = new double[usedNanos.length];
        double busy = 0;
        for (int i = 0; i < count; i++) {
            long begun = now;
            serve(nanos, perSecond);
            for (int time = 0; time < used.length; time++) {
                used[time] += usedNanos[time];
            }
            busy += now - begun;
            now += breakNanos;
        }
        double all = busy;
        return Arrays.stream(used).map(each -> each / all).toArray();
    }

    /** Bursts with breaks between them are no client for it; each is not to begin with a trial. */
    @ParameterizedTest
    @ValueSource(longs = {3_000_000, 5_600_000, 20_000_000})
    void aClientThatComesInBurstsDoesNotPayInEach(long nanos) {
        double[] shares = serveBursts(1000, nanos, 20_000_000, GatheringTimeTest::pair);
        double share = shares[1] + shares[2];
        assertTrue(share < 0.02, () -> share + " of its time");
    }

    /** Nor where they are longer than a trial, and some time helps. */
    @ParameterizedTest
    @ValueSource(longs = {42_000_000, 60_000_000, 200_000_000})
    void whatHelpedInOneBurstHelpsInTheNext(long nanos) {
        LongToDoubleFunction perSecond = time -> time == NONE ? 180_000 : time == SHORT ? 195_000 : 95_000;
        double share = serveBursts(400, nanos, 10_000_000, perSecond)[2];
        assertTrue(share < 0.03, () -> share + " of its time with the one that harms");
    }

    /** A turn now and then in which the loop must not look says nothing of the others. */
    @Test
    void doesNotHoldForEverWhereNoTrialCanBeMade() {
        settleOnTheLongOne();
        int[] turns = {0};
        double share = serve(60 * SECOND, time -> {
            possible = ++turns[0] % 30 != 0;
            return time == NONE ? 180_000 : 95_000;
        });
        assertTrue(share > 0 && share < 0.03, () -> share + " of the time");
    }

    /** What helped one connection may harm the next, though its requests stay dense. */
    @Test
    void isTriedAnewForAnotherConnection() {
        for (int i = 0; i < 5 * SECOND / TRIAL_NANOS; i++) {
            serve(TRIAL_NANOS, time -> time == LONG ? 100_000 : 90_000);
        }
        assertEquals(LONG, turn(time -> 100_000));
        client = new Object();
        double share = serve(SECOND, time -> time == NONE ? 180_000 : 82_000);
        assertTrue(share > 0 && share < 0.1, () -> share + " of the time");
    }

    /** A load that comes and goes is in doubt again and again. */
    @Test
    void aLoadThatVariesIsNotTriedAllTheTime() {
        settleOnTheLongOne();
        long begun = now;
        serve(20 * SECOND, time -> deep(time) * (now / 12_000_000 % 2 == 0 ? 1 : 0.45));
        double rest = 1 - share(2, begun);
        assertTrue(rest < 0.45, () -> rest + " of the time without it");
    }

    /** The first client leaves, one that suffers comes. */
    @Test
    void endsAtOnceWhereItStarvesTheNextClient() {
        settleOnTheLongOne();
        double share = serve(SECOND, GatheringTimeTest::pair);
        assertTrue(share > 0 && share < 0.03, () -> share + " of the time");
    }

    /** Likewise, but its requests are still dense. */
    @Test
    void isTriedAnewWhereRequestsBecomeMuchFewer() {
        settleOnTheLongOne();
        serve(10 * SECOND, GatheringTimeTest::deep);
        double share = serve(SECOND, time -> time == NONE ? 180_000 : 95_000);
        assertTrue(share > 0 && share < 0.1, () -> share + " of the time");
    }

    @Test
    void endsWhenTheLoopHasSlept() {
        settleOnTheLongOne();
        now += SECOND;
        assertEquals(NONE, turn(GatheringTimeTest::deep));
        settleOnTheLongOne();
    }

    /** Somebody else has the processor for some milliseconds now and then, as on any machine. */
    @Test
    void isNotLedAstrayByDisturbances() {
        long seed = Long.getLong("blockseal.seed", 20261127);
        System.out.println("seed " + seed);
        SplittableRandom random = new SplittableRandom(seed);
        settleOnTheLongOne();
        double good = serve(20 * SECOND, time -> {
            disturb(random);
            return deep(time);
        });
        assertTrue(good > 0.9, () -> good + " of the time");
        double bad = serve(20 * SECOND, time -> {
            disturb(random);
            return pair(time);
        });
        assertTrue(bad < 0.01, () -> bad + " of the time");
    }

    /** Every 100 ms or so, for 1 to 4 ms. */
    private void disturb(SplittableRandom random) {
        if (random.nextInt(3_000) == 0) {
            now += 1_000_000 + random.nextLong(3_000_000);
        }
    }

    /** While the loop leaves the processor to others nothing can be learnt. */
    @Test
    void learnsNothingWhereNothingCanGather() {
        settleOnTheLongOne();
        possible = false;
        assertEquals(0, serve(10 * SECOND, time -> 180_000));
        possible = true;
        turn(GatheringTimeTest::deep);
        assertEquals(NONE, turn(GatheringTimeTest::deep), "what is known is too old");
        serve(GatheringTime.WINDOW_NANOS, GatheringTimeTest::deep);
        settleOnTheLongOne();
    }

    @Test
    void aTrialThatOthersDisturbAllTheTimeEnds() {
        serve(3 * GatheringTime.WINDOW_NANOS, GatheringTimeTest::deep);
        possible = false;
        serve(2L * GatheringTime.TRIAL_WINDOWS_MAX * GatheringTime.WINDOW_NANOS, GatheringTimeTest::deep);
        possible = true;
        assertEquals(NONE, turn(GatheringTimeTest::deep));
    }

    /** What one gains another would wait for. */
    @Test
    void endsWithASecondClient() {
        settleOnTheLongOne();
        double share = serve(10 * SECOND, time -> {
            gathering.countRequest(neighbour);
            return deep(time);
        });
        // Until it is seen in each window.
        assertTrue(share < 0.02, () -> share + " of the time");
        // It leaves; perhaps a trial is due.
        settleOnTheLongOne();
    }

    /** Each loop's own, of all requests of its clients. */
    @Test
    void countsWhatAServersLoopsTake() throws Exception {
        int count = 100;
        try (ServerRig rig = new ServerRig();
                RawNbd first = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE);
                RawNbd second = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            for (int i = 0; i < count; i++) {
                assertEquals(0, first.read(0, 512).error());
            }
            assertEquals(0, second.read(0, 512).error());
            long[] counts = new long[ServerRig.LOOPS];
            for (NettyIoLoop loop : rig.loops.netty()) {
                long clients = rig.metrics.recorder(loop.index()).connections();
                assertEquals(1, clients, "they are on loops of their own");
                counts[loop.index()] =
                        ServerRig.onLoop(loop, () -> loop.gathering().requestCount());
            }
            Arrays.sort(counts);
            assertArrayEquals(new long[] {1, count}, counts);
        }
    }

    /** Another load after a long while is tried as if it were the first. */
    @Test
    void forgetsWhatItKnewOfALoadLongAgo() {
        serve(20 * SECOND, GatheringTimeTest::pair);
        now += GatheringTime.FORGOTTEN_NANOS;
        serve(GatheringTime.WINDOW_NANOS, GatheringTimeTest::deep);
        settleOnTheLongOne();
    }
}
