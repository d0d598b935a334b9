package io.blockseal.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.blockseal.job.JobRefusedException.Reason;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

@Timeout(60)
class JobsTest {
    private static final JobOutcome WELL = JobOutcome.done("well\n", "{}\n");
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** Work in steps that the test lets it do one by one. */
    private static final class Steps implements JobWork {
        final Semaphore may = new Semaphore(0);
        final CountDownLatch begun = new CountDownLatch(1);
        final AtomicLong done = new AtomicLong();
        final CountDownLatch dropped = new CountDownLatch(1);
        final int total;

        Steps(int total) {
            this.total = total;
        }

        @Override
        public JobOutcome run(JobControl control) throws JobCanceledException, InterruptedException {
            begun.countDown();
            control.phase("stepping");
            for (int i = 0; i < total; i++) {
                do {
                    control.checkpoint();
                } while (!may.tryAcquire(1, TimeUnit.MILLISECONDS));
                done.incrementAndGet();
                control.progress(i + 1, total);
            }
            control.checkpoint();
            return WELL;
        }

        @Override
        public void dropped() {
            dropped.countDown();
        }
    }

    /** What a state directory would hold. */
    private static final class Remembered implements JobMemory {
        final Map<Long, JobMemo> memos = new TreeMap<>();
        boolean full;

        @Override
        public synchronized void keep(JobMemo memo) throws IOException {
            if (full) {
                throw new IOException("No space left on device");
            }
            memos.put(memo.id(), memo);
        }

        @Override
        public synchronized void forget(JobMemo memo) {
            memos.remove(memo.id());
        }
    }

    private static final class Clock implements JobClock {
        final AtomicLong nanos = new AtomicLong(5);

        @Override
        public Instant instant() {
            return Instant.ofEpochSecond(1_700_000_000L).plusNanos(nanos.get());
        }

        @Override
        public long nanos() {
            return nanos.get();
        }
    }

    private final Clock clock = new Clock();
    private final Remembered memory = new Remembered();
    private final List<Jobs> made = new ArrayList<>();
    private final Jobs jobs = jobs();

    private Jobs jobs() {
        Jobs fresh = new Jobs(
                memory,
                failure -> new JobOutcome(failure instanceof JobCanceledException ? 9 : 1, failure.getMessage(), "{}"),
                PATIENCE,
                clock);
        made.add(fresh);
        return fresh;
    }

    @AfterEach
    void endAll() {
        made.forEach(Jobs::close);
    }

    private static JobRequest request(String volume, JobWork work, String... claims) {
        return new JobRequest("count", volume, Set.of(claims), null, work);
    }

    private static JobRequest remembered(JobWork work) {
        return new JobRequest("rotate", "db", Set.of("table"), "{\"rate\":5}", work);
    }

    private Job await(long id, Predicate<Job> until) throws Exception {
        return await(jobs, id, until);
    }

    private static Job await(Jobs jobs, long id, Predicate<Job> until) throws Exception {
        Job job = jobs.get(id);
        while (!until.test(job)) {
            job = jobs.next(id, job.revision()).get(30, TimeUnit.SECONDS);
        }
        return job;
    }

    private static Predicate<Job> is(JobState state) {
        return job -> job.state() == state;
    }

    @Test
    void doesTheWorkAndKeepsWhatItSaid() throws Exception {
        Steps steps = new Steps(3);
        Job begun = jobs.submit(request("db", steps));
        assertEquals("count", begun.verb());
        steps.may.release(3);
        Job ended = await(begun.id(), is(JobState.DONE));
        assertEquals(WELL, ended.outcome());
        assertEquals("stepping", ended.phase());
        assertEquals(3, ended.done());
        assertEquals(3, ended.total());
        assertEquals(-1, ended.secondsLeft());
        assertEquals(List.of(ended), jobs.list());
    }

    @Test
    void tellsWhyWorkFailed() throws Exception {
        Job begun = jobs.submit(request("db", control -> {
            throw new IOException("the disk is gone");
        }));
        Job ended = await(begun.id(), is(JobState.FAILED));
        assertEquals(new JobOutcome(1, "the disk is gone", "{}"), ended.outcome());
    }

    @Test
    void survivesWorkThatBreaks() throws Exception {
        Job begun = jobs.submit(request("db", control -> {
            throw new AssertionError("a defect");
        }));
        assertEquals(
                JobState.FAILED, await(begun.id(), job -> job.state().ended()).state());
        assertEquals(
                JobState.DONE,
                await(jobs.submit(request("db", control -> WELL)).id(), is(JobState.DONE))
                        .state());
    }

    @Test
    void countsWorkThatSaysSoAsFailed() throws Exception {
        Job begun = jobs.submit(request("db", control -> new JobOutcome(4, "damaged\n", "{}")));
        assertEquals(4, await(begun.id(), is(JobState.FAILED)).outcome().exitCode());
    }

    /** Who is on call is not woken by somebody else's slip. */
    @Test
    void writesARefusalAsAWarningAndAFailureAsAnError() throws Exception {
        Logger log = (Logger) LoggerFactory.getLogger(Jobs.class);
        BlockingQueue<Level> levels = new LinkedBlockingQueue<>();
        AppenderBase<ILoggingEvent> lines = new AppenderBase<>() {
            @Override
            protected void append(ILoggingEvent line) {
                if (line.getFormattedMessage().endsWith(" failed: no")) {
                    levels.add(line.getLevel());
                }
            }
        };
        lines.start();
        log.addAppender(lines);
        try {
            List<Level> inOrder = new ArrayList<>();
            for (int exitCode : new int[] {1, 2, 3, 4, 5}) {
                Job begun = jobs.submit(request("db", control -> new JobOutcome(exitCode, "no\n", "{}")));
                await(begun.id(), is(JobState.FAILED));
                // It is written when the job has failed already.
                inOrder.add(levels.take());
            }
            assertEquals(List.of(Level.ERROR, Level.WARN, Level.WARN, Level.ERROR, Level.WARN), inOrder);
        } finally {
            log.detachAppender(lines);
        }
    }

    @Nested
    class Paused {
        @Test
        void standsStillAtACheckpointUntilItIsResumed() throws Exception {
            Steps steps = new Steps(3);
            long id = jobs.submit(request("db", steps)).id();
            steps.begun.await();
            jobs.pause(id);
            steps.may.release(3);
            await(id, is(JobState.PAUSED));
            assertTrue(steps.done.get() <= 1, "it went on although it was paused: " + steps.done);
            jobs.resume(id);
            assertEquals(3, await(id, is(JobState.DONE)).done());
        }

        @Test
        void hearsOfItInTheMiddleOfSomethingLong() throws Exception {
            JobWork longSteps = control -> {
                for (int i = 0; i < 2; i++) {
                    while (!control.isDisturbed()) {
                        Thread.onSpinWait();
                    }
                    control.checkpoint();
                }
                return WELL;
            };
            long id = jobs.submit(request("db", longSteps)).id();
            jobs.pause(id);
            await(id, is(JobState.PAUSED));
            jobs.resume(id);
            await(id, is(JobState.RUNNING));
            jobs.cancel(id);
            await(id, is(JobState.CANCELED));
        }

        @Test
        void canBeCancelledWhileItStandsStill() throws Exception {
            Steps steps = new Steps(3);
            long id = jobs.submit(request("db", steps)).id();
            steps.begun.await();
            jobs.pause(id);
            steps.may.release(3);
            await(id, is(JobState.PAUSED));
            jobs.cancel(id);
            assertEquals(9, await(id, is(JobState.CANCELED)).outcome().exitCode());
        }

        @Test
        void doesNotCountAsTimeOfWork() throws Exception {
            CountDownLatch half = new CountDownLatch(1);
            CountDownLatch on = new CountDownLatch(1);
            long id = jobs.submit(request("db", control -> {
                        control.progress(0, 100);
                        clock.nanos.addAndGet(10_000_000_000L);
                        control.progress(50, 100);
                        half.countDown();
                        on.await();
                        control.checkpoint();
                        clock.nanos.addAndGet(10_000_000_000L);
                        control.progress(75, 100);
                        return WELL;
                    }))
                    .id();
            half.await();
            assertEquals(10, jobs.get(id).secondsLeft());
            jobs.pause(id);
            on.countDown();
            await(id, is(JobState.PAUSED));
            clock.nanos.addAndGet(3_600_000_000_000L);
            assertEquals(10, jobs.get(id).secondsLeft(), "an hour of standing still made it look slower");
            jobs.resume(id);
            await(id, is(JobState.DONE));
        }
    }

    @Test
    void workOfSeveralPartsIsJudgedByThePaceOfTheCurrentOne() throws Exception {
        CountDownLatch half = new CountDownLatch(1);
        CountDownLatch on = new CountDownLatch(1);
        long id = jobs.submit(request("db", control -> {
                    control.progress(1, 3);
                    clock.nanos.addAndGet(3_600_000_000_000L);
                    control.progress(3, 3);
                    control.progress(0, 1000);
                    clock.nanos.addAndGet(10_000_000_000L);
                    control.progress(500, 1000);
                    half.countDown();
                    on.await();
                    return WELL;
                }))
                .id();
        half.await();
        assertEquals(10, jobs.get(id).secondsLeft(), "an hour for three pages says nothing about bytes");
        on.countDown();
        await(id, is(JobState.DONE));
    }

    @Nested
    class OnOneVolume {
        @Test
        void excludeEachOtherIfTheyClaimTheSame() throws Exception {
            Steps first = new Steps(1);
            long id = jobs.submit(request("db", first, "table")).id();
            JobRefusedException refused = assertThrows(
                    JobRefusedException.class, () -> jobs.submit(request("db", control -> WELL, "table", "slots")));
            assertEquals(Reason.CONFLICT, refused.reason());
            assertTrue(
                    refused.getMessage().contains("job " + id + " (count) is running on this volume"),
                    refused::getMessage);
            jobs.submit(request("other", control -> WELL, "table"));
            jobs.submit(request("db", control -> WELL, "slots"));
            first.may.release();
            await(id, is(JobState.DONE));
            jobs.submit(request("db", control -> WELL, "table"));
        }

        @Test
        void waitForNobodyIfOneClaimsEverything() throws Exception {
            Steps first = new Steps(1);
            long id = jobs.submit(request("db", first)).id();
            assertThrows(
                    JobRefusedException.class,
                    () -> jobs.submit(request("db", control -> WELL, JobRequest.EVERYTHING)));
            first.may.release();
            await(id, is(JobState.DONE));
        }

        @Test
        void standInTheWayOfItsEndUntilTheyHaveEnded() throws Exception {
            Steps here = new Steps(2);
            long id = jobs.submit(request("db", here)).id();
            here.begun.await();
            jobs.pause(id);
            here.may.release();
            await(id, is(JobState.PAUSED));
            JobRefusedException refused =
                    assertThrows(JobRefusedException.class, () -> jobs.requireNone("db", "./db.bsl", "erase"));
            assertEquals(JobRefusedException.Reason.CONFLICT, refused.reason());
            assertTrue(
                    refused.getMessage()
                            .startsWith("./db.bsl: job " + id + " (count) is paused on this volume, and erase"),
                    refused.getMessage());
            jobs.requireNone("other", "./other.bsl", "erase");
            jobs.cancel(id);
            await(id, is(JobState.CANCELED));
            jobs.requireNone("db", "./db.bsl", "erase");
        }
    }

    @Nested
    class Counted {
        private JobTally only() {
            assertEquals(1, jobs.tallies().size());
            return jobs.tallies().get(0);
        }

        @Test
        void atNothingBeforeThereIsAny() {
            jobs.expect("db", "count");
            assertEquals(new JobTally("db", "count", 0, 0, 0, 0, 0, 0, -1, -1), only());
        }

        @Test
        void byWhatTheyAreDoingAndHowTheyEnded() throws Exception {
            jobs.expect("db", "count");
            Steps steps = new Steps(1);
            long id = jobs.submit(request("db", steps)).id();
            steps.begun.await();
            assertEquals(1, only().running());
            jobs.pause(id);
            await(id, is(JobState.PAUSED));
            assertEquals(0, only().running());
            assertEquals(1, only().paused());
            jobs.resume(id);
            steps.may.release();
            await(id, is(JobState.DONE));
            long failed = jobs.submit(request("db", control -> {
                        throw new IOException("the disk is gone");
                    }))
                    .id();
            await(failed, is(JobState.FAILED));
            assertEquals(new JobTally("db", "count", 0, 0, 0, 1, 1, 0, -1, -1), only());
        }

        @Test
        void alsoThoseThatAreForgotten() throws Exception {
            int many = Jobs.HISTORY_MAX + 5;
            for (int i = 0; i < many; i++) {
                await(jobs.submit(request("db", control -> WELL)).id(), is(JobState.DONE));
            }
            assertEquals(Jobs.HISTORY_MAX, jobs.list().size());
            assertEquals(many, only().done());
        }

        @Test
        void withTheTimeSinceTheirLastCheckpoint() throws Exception {
            CountDownLatch far = new CountDownLatch(1);
            CountDownLatch on = new CountDownLatch(1);
            long id = jobs.submit(request("db", control -> {
                        clock.nanos.addAndGet(7_000_000_000L);
                        control.checkpoint();
                        control.progress(0, 100);
                        clock.nanos.addAndGet(1_000_000_000L);
                        control.isDisturbed();
                        clock.nanos.addAndGet(2_500_000_000L);
                        control.progress(50, 100);
                        far.countDown();
                        on.await();
                        control.checkpoint();
                        return WELL;
                    }))
                    .id();
            far.await();
            assertEquals(2.5, only().checkpointSeconds());
            assertEquals(4, only().secondsLeft());
            jobs.pause(id);
            on.countDown();
            await(id, is(JobState.PAUSED));
            clock.nanos.addAndGet(3_600_000_000_000L);
            assertEquals(0, only().checkpointSeconds(), "it stands at one");
            jobs.resume(id);
            await(id, is(JobState.DONE));
            assertEquals(-1, only().checkpointSeconds());
        }
    }

    @Nested
    class Many {
        @Test
        void waitTheirTurn() throws Exception {
            List<Steps> all = new ArrayList<>();
            List<Long> ids = new ArrayList<>();
            for (int i = 0; i <= Jobs.RUNNING_MAX; i++) {
                Steps steps = new Steps(1);
                all.add(steps);
                ids.add(jobs.submit(request("db", steps)).id());
            }
            long last = ids.get(Jobs.RUNNING_MAX);
            assertEquals(JobState.QUEUED, jobs.get(last).state());
            all.get(0).may.release();
            await(last, is(JobState.RUNNING));
            all.forEach(steps -> steps.may.release());
            for (long id : ids) {
                await(id, is(JobState.DONE));
            }
        }

        @Test
        void areCancelledAtOnceWhileTheyWait() throws Exception {
            List<Steps> all = new ArrayList<>();
            for (int i = 0; i < Jobs.RUNNING_MAX; i++) {
                all.add(new Steps(1));
                jobs.submit(request("db", all.get(i)));
            }
            Steps waiting = new Steps(1);
            long id = jobs.submit(request("db", waiting)).id();
            assertEquals(JobState.CANCELED, jobs.cancel(id).state());
            assertEquals(0, waiting.dropped.getCount(), "what it holds was not given up");
            assertEquals(1, waiting.begun.getCount());
            all.forEach(steps -> steps.may.release());
        }

        @Test
        void areRefusedBeyondReason() throws Exception {
            List<Steps> all = new ArrayList<>();
            for (int i = 0; i < Jobs.RUNNING_MAX + Jobs.QUEUED_MAX; i++) {
                all.add(new Steps(1));
                jobs.submit(request("db", all.get(i)));
            }
            JobRefusedException refused =
                    assertThrows(JobRefusedException.class, () -> jobs.submit(request("db", new Steps(1))));
            assertEquals(Reason.UNAVAILABLE, refused.reason());
            all.forEach(steps -> steps.may.release());
        }

        @Test
        void leaveRoomForThoseThatSomebodyAskedFor() throws Exception {
            List<Steps> all = new ArrayList<>();
            List<Long> ids = new ArrayList<>();
            for (int i = 0; i < Jobs.UNASKED_MAX; i++) {
                all.add(new Steps(1));
                ids.add(jobs.submit(byPolicy(all.get(i))).id());
            }
            JobRefusedException refused =
                    assertThrows(JobRefusedException.class, () -> jobs.submit(byPolicy(new Steps(1))));
            assertEquals(Reason.CONFLICT, refused.reason());
            assertTrue(refused.getMessage().contains("8 jobs that nobody asked for"), refused.getMessage());
            await(jobs.submit(request("db", control -> WELL)).id(), is(JobState.DONE));
            all.forEach(steps -> steps.may.release());
            await(ids.get(0), is(JobState.DONE));
            await(jobs.submit(byPolicy(control -> WELL)).id(), is(JobState.DONE));
        }

        private JobRequest byPolicy(JobWork work) {
            return new JobRequest("count", "db", Set.of(), null, "policy", work);
        }

        @Test
        void areForgottenOnceTheyAreOld() throws Exception {
            long first = 0;
            for (int i = 0; i < Jobs.HISTORY_MAX + 5; i++) {
                long id = jobs.submit(request("db", control -> WELL)).id();
                first = first == 0 ? id : first;
                await(id, is(JobState.DONE));
            }
            assertEquals(Jobs.HISTORY_MAX, jobs.list().size());
            long gone = first;
            assertEquals(
                    Reason.UNKNOWN,
                    assertThrows(JobRefusedException.class, () -> jobs.get(gone))
                            .reason());
        }
    }

    @Nested
    class Watched {
        @Test
        void tellsOnceSomethingChanged() throws Exception {
            Steps steps = new Steps(1);
            Job job = jobs.submit(request("db", steps));
            Job stepping = await(job.id(), now -> now.phase().equals("stepping"));
            CompletableFuture<Job> next = jobs.next(job.id(), stepping.revision());
            assertFalse(next.isDone());
            steps.may.release();
            assertTrue(next.get(30, TimeUnit.SECONDS).revision() > stepping.revision());
        }

        @Test
        void isToldOfProgressAtMostFiveTimesASecond() throws Exception {
            CountDownLatch done = new CountDownLatch(1);
            CountDownLatch on = new CountDownLatch(1);
            long id = jobs.submit(request("db", control -> {
                        for (int i = 1; i <= 1000; i++) {
                            control.progress(i, 100_000);
                        }
                        done.countDown();
                        on.await();
                        return WELL;
                    }))
                    .id();
            done.await();
            Job job = jobs.get(id);
            assertEquals(1000, job.done());
            assertTrue(job.revision() < 10, "every step woke those who watch: " + job.revision());
            on.countDown();
            await(id, is(JobState.DONE));
        }

        @Test
        void endsAtOnceForOneThatHasEnded() throws Exception {
            long id = jobs.submit(request("db", control -> WELL)).id();
            Job ended = await(id, is(JobState.DONE));
            assertTrue(jobs.next(id, ended.revision() + 100).isDone());
        }
    }

    @Nested
    class OverARestart {
        @Test
        void goesOnWithWhatWasRemembered() throws Exception {
            Steps steps = new Steps(2);
            long id = jobs.submit(remembered(steps)).id();
            steps.begun.await();
            steps.may.release();
            jobs.close();
            assertEquals(JobState.CANCELED, jobs.get(id).state());
            JobMemo memo = memory.memos.get(id);
            assertEquals(new JobMemo(id, "rotate", "db", false, "{\"rate\":5}", JobRequest.OPERATOR), memo);

            Jobs next = jobs();
            Steps rest = new Steps(1);
            assertEquals(id, next.takeUp(memo, remembered(rest)).id());
            rest.may.release();
            await(next, id, is(JobState.DONE));
            assertTrue(memory.memos.isEmpty(), "it would be begun for ever");
            assertTrue(next.submit(request("db", control -> WELL)).id() > id, "a number was given twice");
        }

        @Test
        void staysPausedIfItWas() throws Exception {
            Steps steps = new Steps(1);
            long id = jobs.submit(remembered(steps)).id();
            steps.begun.await();
            jobs.pause(id);
            steps.may.release();
            await(id, is(JobState.PAUSED));
            jobs.close();
            assertTrue(memory.memos.get(id).paused());

            Jobs next = jobs();
            Steps rest = new Steps(1);
            rest.may.release();
            assertEquals(
                    JobState.PAUSED,
                    next.takeUp(memory.memos.get(id), remembered(rest)).state());
            assertEquals(1, rest.begun.getCount());
            next.resume(id);
            await(next, id, is(JobState.DONE));
        }

        /** One volume leaves the daemon, and comes back. */
        @Test
        void goesOnWhenItsVolumeIsServedAgain() throws Exception {
            Steps steps = new Steps(2);
            Steps others = new Steps(1);
            long id = jobs.submit(remembered(steps)).id();
            long other = jobs.submit(request("other", others)).id();
            steps.begun.await();
            assertTrue(jobs.suspend("db", "the volume leaves"));
            assertEquals(JobState.CANCELED, jobs.get(id).state());
            JobRefusedException refused =
                    assertThrows(JobRefusedException.class, () -> jobs.submit(remembered(new Steps(1))));
            assertTrue(refused.getMessage().contains("taken out of service"), refused::getMessage);
            jobs.allow("db");
            Steps rest = new Steps(1);
            assertEquals(id, jobs.takeUp(memory.memos.get(id), remembered(rest)).id());
            rest.may.release();
            others.may.release();
            await(id, is(JobState.DONE));
            await(other, is(JobState.DONE));
            assertTrue(memory.memos.isEmpty(), "it would be begun for ever");
        }

        @Test
        void isForgottenIfSomebodyCancelledIt() throws Exception {
            Steps steps = new Steps(2);
            long id = jobs.submit(remembered(steps)).id();
            steps.begun.await();
            jobs.cancel(id);
            steps.may.release();
            await(id, is(JobState.CANCELED));
            assertNull(memory.memos.get(id));
        }

        /** Whoever cancelled it does not expect it to go on by itself the next day. */
        @Test
        void isForgottenIfSomebodyCancelledItAndTheDaemonStopsBeforeItHears() throws Exception {
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch goesOn = new CountDownLatch(1);
            long id = jobs.submit(remembered(control -> {
                        begun.countDown();
                        goesOn.await();
                        control.checkpoint();
                        return WELL;
                    }))
                    .id();
            begun.await();
            jobs.cancel(id);
            CompletableFuture<Void> closing = CompletableFuture.runAsync(jobs::close);
            while (!stops()) {
                Thread.onSpinWait();
            }
            goesOn.countDown();
            closing.get(30, TimeUnit.SECONDS);
            assertEquals(JobState.CANCELED, jobs.get(id).state());
            assertNull(memory.memos.get(id));
        }

        private boolean stops() throws Exception {
            try {
                jobs.submit(request("other", control -> WELL));
                return false;
            } catch (JobRefusedException e) {
                return e.getMessage().contains("stops");
            }
        }

        @Test
        void isNotBegunIfItCannotBeRemembered() {
            memory.full = true;
            JobRefusedException refused =
                    assertThrows(JobRefusedException.class, () -> jobs.submit(remembered(new Steps(1))));
            assertTrue(refused.getMessage().contains("No space left"), refused::getMessage);
            assertTrue(jobs.list().isEmpty());
        }
    }

    @Test
    void beginsNothingOnceTheDaemonStops() {
        jobs.close();
        @Nullable
        JobRefusedException refused =
                assertThrows(JobRefusedException.class, () -> jobs.submit(request("db", control -> WELL)));
        assertEquals(Reason.UNAVAILABLE, refused.reason());
    }

    @Test
    void cannotBePausedOnceItHasEnded() throws Exception {
        long id = jobs.submit(request("db", control -> WELL)).id();
        await(id, is(JobState.DONE));
        assertEquals(
                Reason.CONFLICT,
                assertThrows(JobRefusedException.class, () -> jobs.pause(id)).reason());
        assertEquals(
                Reason.UNKNOWN,
                assertThrows(JobRefusedException.class, () -> jobs.cancel(99)).reason());
    }
}
