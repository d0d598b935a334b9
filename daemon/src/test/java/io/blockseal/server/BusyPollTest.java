package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.SelectStrategy;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** On a clock of its own, which goes on by {@link #STEP} with each look at the sockets. */
class BusyPollTest {
    /** What the daemon's own is to be. */
    private static final long MOMENT = 50_000;

    private static final long SHORT_PAUSE = BusyPoll.SHORT_PAUSE_MOMENTS * MOMENT - 1;
    private static final long STEP = 1_000;
    private static final int LOOKS_MAX = 1_000;
    private static final long LONG = 1_000_000_000;
    private static final int NEVER = Integer.MAX_VALUE;

    private long now = 7_000_000_000L;
    private boolean tasksWait;
    private final SpareProcessors spare = new SpareProcessors(2, () -> now);
    private final SpareProcessors.Loop other = spare.addLoop();
    /** As the daemon has it. */
    private final BusyPoll poll = watching(IoLoops.busyPoll(spare.addLoop(), () -> now));

    /** How often the sockets were asked since the last turn began. */
    private int looks;

    private BusyPoll watching(BusyPoll watching) {
        watching.watch(() -> tasksWait);
        return watching;
    }

    /** One turn of the loop; look number {@code readyAt} finds three sockets. */
    private int turn(BusyPoll of, int readyAt) throws Exception {
        looks = 0;
        return of.calculateStrategy(
                () -> {
                    now += STEP;
                    looks++;
                    assertTrue(looks <= LOOKS_MAX, "a loop without work looks on and on instead of sleeping");
                    return looks == readyAt ? 3 : 0;
                },
                false);
    }

    private void turnAsleep(BusyPoll of) throws Exception {
        assertEquals(SelectStrategy.SELECT, turn(of, 1));
        assertEquals(0, looks, "looks of a loop that should sleep");
    }

    /** It had slept long, then work came: nothing tells yet that more is on its way. */
    @BeforeEach
    void sleepLong() throws Exception {
        now += LONG;
        turnAsleep(poll);
    }

    @Nested
    class WhenWorkCameAfterAShortPause {
        @BeforeEach
        void pauseShortly() {
            now += SHORT_PAUSE;
        }

        @Test
        void looksForItsMomentAndThenSleeps() throws Exception {
            long begun = now;
            assertEquals(SelectStrategy.SELECT, turn(poll, NEVER));
            assertEquals(MOMENT + STEP, now - begun, "how long it looked");
            assertEquals(MOMENT / STEP + 1, looks);
        }

        @Test
        void takesWhatComesAndLooksAgainAfterwards() throws Exception {
            for (int i = 0; i < 10; i++) {
                assertEquals(3, turn(poll, 20));
                assertEquals(20, looks);
                // What it found takes long; that is no pause.
                now += LONG;
            }
        }

        @Test
        void endsALookWhenTheLoopIsGivenATask() throws Exception {
            looks = 0;
            int ready = poll.calculateStrategy(
                    () -> {
                        now += STEP;
                        tasksWait = ++looks == 5;
                        return 0;
                    },
                    false);
            assertEquals(0, ready, "the task is to be run, not to be slept over");
            assertEquals(5, looks);
            tasksWait = false;
            assertEquals(3, turn(poll, 2), "it goes on looking after the task");
        }

        @Test
        void aLookInVainIsTheLastUntilAShortPauseIsSeenAgain() throws Exception {
            turn(poll, NEVER);
            now += SHORT_PAUSE + 1;
            turnAsleep(poll);
            now += LONG;
            turnAsleep(poll);
            now += SHORT_PAUSE;
            assertEquals(3, turn(poll, 2));
        }

        /** A look in vain whose fourth glance at the sockets takes that long. */
        private int lookInterruptedFor(long nanos) throws Exception {
            looks = 0;
            return poll.calculateStrategy(
                    () -> {
                        now += ++looks == 4 ? nanos : STEP;
                        return 0;
                    },
                    false);
        }

        private void isDisplacedWhileItLooks() throws Exception {
            assertEquals(SelectStrategy.SELECT, lookInterruptedFor(BusyPoll.DISPLACED_NANOS + 1));
            assertEquals(4, looks);
        }

        private void leavesOffFor(long nanos) throws Exception {
            long until = now + nanos;
            while (now < until - MOMENT) {
                turnAsleep(poll);
                now += MOMENT / 2;
            }
            now = until - 1;
            turnAsleep(poll);
            now = until;
        }

        @Test
        void leavesTheProcessorForAMomentToWhoeverDisplacedIt() throws Exception {
            isDisplacedWhileItLooks();
            leavesOffFor(BusyPoll.HELD_OFF_NANOS_MIN);
            assertEquals(3, turn(poll, 2));
        }

        @Test
        void anInterruptIsNoDisplacement() throws Exception {
            lookInterruptedFor(100_000);
            turnAsleep(poll);
            now += SHORT_PAUSE;
            assertEquals(3, turn(poll, 2), "it is held off after an interrupt");
        }

        @Test
        void aPauseThatBeganWithALookInVainCountsFromItsBeginning() throws Exception {
            turn(poll, NEVER);
            now += SHORT_PAUSE - MOMENT;
            turnAsleep(poll);
        }

        @Test
        void leavesItForLongerTheSoonerItIsDisplacedAgain() throws Exception {
            long nanos = BusyPoll.HELD_OFF_NANOS_MIN;
            isDisplacedWhileItLooks();
            leavesOffFor(nanos);
            while (nanos < BusyPoll.HELD_OFF_NANOS_MAX) {
                isDisplacedWhileItLooks();
                nanos *= 2;
                leavesOffFor(nanos);
            }
            isDisplacedWhileItLooks();
            leavesOffFor(BusyPoll.HELD_OFF_NANOS_MAX);
        }

        @Test
        void forgetsADisplacementLongAgo() throws Exception {
            isDisplacedWhileItLooks();
            leavesOffFor(BusyPoll.HELD_OFF_NANOS_MIN);
            isDisplacedWhileItLooks();
            leavesOffFor(2 * BusyPoll.HELD_OFF_NANOS_MIN);
            long forgotten = now + BusyPoll.SOON * 2 * BusyPoll.HELD_OFF_NANOS_MIN;
            while (now < forgotten) {
                assertEquals(3, turn(poll, 2));
            }
            isDisplacedWhileItLooks();
            leavesOffFor(BusyPoll.HELD_OFF_NANOS_MIN);
            assertEquals(3, turn(poll, 2));
        }

        @Test
        void doesNotLookWhileOtherLoopsNeedTheProcessors() throws Exception {
            for (int i = 0; i < 10; i++) {
                other.worksUntil(now);
                turnAsleep(poll);
                now += SHORT_PAUSE;
            }
            now += SpareProcessors.INTERVAL_NANOS;
            turnAsleep(poll);
            now += SHORT_PAUSE;
            assertEquals(3, turn(poll, 2), "the other loop's clients are idle now");
        }

        @Test
        void doesNotLookWhileAThreadWorksForALoop() throws Exception {
            other.take(1);
            turnAsleep(poll);
            now += SHORT_PAUSE;
            turnAsleep(poll);
            other.take(-1);
            now += SHORT_PAUSE;
            assertEquals(3, turn(poll, 2));
        }

        /** How many pauses in a row are slept through now. */
        private int sleptThrough() throws Exception {
            int slept = 0;
            while (turn(poll, NEVER) == SelectStrategy.SELECT && looks == 0) {
                slept++;
                now += SHORT_PAUSE;
            }
            now += SHORT_PAUSE - MOMENT - STEP;
            return slept;
        }

        @Test
        void looksInVainAtADiskAreEverRarer() throws Exception {
            poll.diskPauses().awaitsDisk(1);
            assertEquals(0, sleptThrough());
            for (int pauses = 1; pauses < DiskPauses.PAUSES_MAX; pauses = 2 * pauses + 1) {
                assertEquals(pauses, sleptThrough());
            }
            assertEquals(DiskPauses.PAUSES_MAX, sleptThrough());
            assertEquals(DiskPauses.PAUSES_MAX, sleptThrough());
        }

        @Test
        void aLookAtADiskThatFindsSomethingLetsItLookOn() throws Exception {
            poll.diskPauses().awaitsDisk(1);
            sleptThrough();
            sleptThrough();
            for (int i = 0; i < 3; i++) {
                turnAsleep(poll);
                now += SHORT_PAUSE;
            }
            assertEquals(3, turn(poll, 2));
            assertEquals(3, turn(poll, 2));
            assertEquals(0, sleptThrough());
            assertEquals(1, sleptThrough());
        }

        @Test
        void aLookThatWasDisplacedTellsNothingOfTheDisk() throws Exception {
            poll.diskPauses().awaitsDisk(1);
            isDisplacedWhileItLooks();
            leavesOffFor(BusyPoll.HELD_OFF_NANOS_MIN);
            assertEquals(3, turn(poll, 2));
        }

        /** Which is what one request at a time looks like, on a disk that takes longer than a look. */
        @Test
        void whatIsSleptThroughForADiskDoesNotEndTheLooksForAClient() throws Exception {
            for (int i = 0; i < 3; i++) {
                poll.diskPauses().awaitsDisk(1);
                turn(poll, NEVER);
                now += SHORT_PAUSE - MOMENT - STEP;
                poll.diskPauses().awaitsDisk(-1);
                assertEquals(3, turn(poll, 20), "the client's next request");
            }
            for (int i = 0; i < 3; i++) {
                poll.diskPauses().awaitsDisk(1);
                turnAsleep(poll);
                now += LONG;
                poll.diskPauses().awaitsDisk(-1);
                assertEquals(3, turn(poll, 20), "though the disk took long");
            }
        }

        @Test
        void asksOnceWhenTasksWaitAlready() throws Exception {
            looks = 0;
            assertEquals(1, poll.calculateStrategy(() -> ++looks, true));
            assertEquals(1, looks);
        }
    }

    @Test
    void itsOwnTurnsAreWhatOthersSeeOfItsWork() throws Exception {
        assertTrue(!other.oneIsLeft(), "it has just had a turn");
        now += SpareProcessors.INTERVAL_NANOS;
        assertTrue(other.oneIsLeft());
        poll.calculateStrategy(() -> 0, true);
        assertTrue(!other.oneIsLeft());
    }

    @Test
    void neverLooksWhenSwitchedOffOrWithoutAWayToHearOfTasks() throws Exception {
        BusyPoll off = watching(new BusyPoll(0, spare.addLoop(), () -> now));
        BusyPoll deaf = new BusyPoll(MOMENT, spare.addLoop(), () -> now);
        for (int i = 0; i < 10; i++) {
            now += SpareProcessors.INTERVAL_NANOS;
            turnAsleep(off);
            turnAsleep(off);
            now += SpareProcessors.INTERVAL_NANOS;
            turnAsleep(deaf);
            turnAsleep(deaf);
        }
    }

    /** On a clock that goes on whenever it is read: nothing is asked while requests gather. */
    @Nested
    class WhenRequestsAreDense {
        private static final long TICK = 200;
        private long taskAt = Long.MAX_VALUE;
        private long displacedAt = Long.MAX_VALUE;
        private final BusyPoll gatherer = watching(IoLoops.busyPoll(spare.addLoop(), this::read));
        private final GatheringTime gathering = gatherer.gathering();
        private final Object client = new Object();
        private long gatherNanos;

        private long read() {
            now += TICK;
            if (now > displacedAt) {
                displacedAt = Long.MAX_VALUE;
                now += BusyPoll.DISPLACED_NANOS;
            }
            tasksWait |= now > taskAt;
            return now;
        }

        /** More of them come if they are left to gather. */
        @BeforeEach
        void serve() throws Exception {
            now += LONG;
            turnAsleep(gatherer);
            now += SHORT_PAUSE / 2;
            // Until a quarter of a window with such a time is over, so that it does not end at once.
            for (long since = now; now - since < GatheringTime.WINDOW_NANOS / 4; ) {
                assertEquals(1, gatherer.calculateStrategy(() -> 1, false));
                gatherNanos = gathering.nanos(now, true);
                for (int i = 0; i < (gatherNanos > 0 ? 8 : 1); i++) {
                    gathering.countRequest(client);
                }
                since = gatherNanos > 0 ? since : now;
                now += STEP;
            }
            assertTrue(gatherNanos > 0, "nothing gathers");
        }

        @Test
        void leavesTheSocketsAloneForThatTime() throws Exception {
            long begun = now;
            assertEquals(3, turn(gatherer, 1));
            long asked = now - STEP - begun;
            assertTrue(
                    asked >= gatherNanos && asked <= gatherNanos + 4 * TICK,
                    () -> "they were asked after " + asked + " ns");
        }

        @Test
        void doesNotWhereOtherLoopsNeedTheProcessors() throws Exception {
            other.worksUntil(now);
            long begun = now;
            turnAsleep(gatherer);
            assertTrue(now - begun <= 4 * TICK, () -> "after " + (now - begun) + " ns");
        }

        /** Nor do the sockets: tasks may come one after the other, and would keep the loop from them. */
        @Test
        void aTaskDoesNotWait() throws Exception {
            tasksWait = true;
            long begun = now;
            assertEquals(3, turn(gatherer, 1));
            assertEquals(1, looks);
            assertTrue(now - begun <= STEP + 4 * TICK, () -> "after " + (now - begun) + " ns");
        }

        @Test
        void aTaskThatComesMeanwhileEndsIt() throws Exception {
            long begun = now;
            looks = 0;
            taskAt = begun + gatherNanos / 2;
            assertEquals(
                    3,
                    gatherer.calculateStrategy(
                            () -> {
                                looks++;
                                return 3;
                            },
                            false));
            assertEquals(1, looks);
            assertTrue(now < begun + gatherNanos, () -> "after " + (now - begun) + " ns");
        }

        @Test
        void whoeverNeedsTheProcessorMeanwhileGetsIt() throws Exception {
            displacedAt = now + gatherNanos / 2;
            assertEquals(3, turn(gatherer, 1), "what came meanwhile");
            now += STEP;
            turnAsleep(gatherer);
        }
    }
}
