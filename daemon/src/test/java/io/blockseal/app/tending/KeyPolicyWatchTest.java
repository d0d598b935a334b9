package io.blockseal.app.tending;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.app.console.Failures;
import io.blockseal.app.verb.RotateDekVerb;
import io.blockseal.app.verb.SentKeys;
import io.blockseal.app.verb.VerbCall;
import io.blockseal.app.verb.VolumeHead;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.config.KeyPolicy;
import io.blockseal.control.Arguments;
import io.blockseal.job.Job;
import io.blockseal.job.JobControl;
import io.blockseal.job.JobMemory;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.JobRefusedException;
import io.blockseal.job.JobRequest;
import io.blockseal.job.JobState;
import io.blockseal.job.Jobs;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeLock;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Keys beyond the limits of the configuration are replaced without anybody asking, and an operator keeps the last word. */
class KeyPolicyWatchTest {
    private static final long BEGIN = 1_700_000_100;
    private static final KeyPolicy BY_AGE = new KeyPolicy(Duration.ofDays(90), Long.MAX_VALUE, Long.MAX_VALUE, 3600);
    private static final KeyPolicy BY_BYTES = new KeyPolicy(KeyPolicy.ANY_AGE, 1L << 30, 200L << 20, 3600);

    private final VolumeFixture fixture = new VolumeFixture();
    private final AtomicLong seconds = new AtomicLong(BEGIN);
    private final Jobs jobs = new Jobs(JobMemory.NONE, Failures::outcome, Duration.ofSeconds(20));
    private final List<String> orders = new ArrayList<>();
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(KeyPolicyWatch.class);

    private Volume volume;

    @BeforeEach
    void open() throws Exception {
        log.start();
        logger.addAppender(log);
        open(2);
    }

    private void open(int spareSlots) throws Exception {
        MemoryStore store = new MemoryStore("vol", 0);
        fixture.creator()
                .create(
                        VolumeStores.inBand(store),
                        List.of(fixture.key(1)),
                        VolumeFixture.ranges(3).withSpareSlots(spareSlots));
        volume = new VolumeOpener(
                        fixture.engine(), HostMemory.none(), Runnable::run, () -> Instant.ofEpochSecond(seconds.get()))
                .open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT);
        fixture.write(volume, 0, 7);
        fixture.write(volume, 17, 8);
    }

    @AfterEach
    void close() {
        jobs.close();
        volume.close();
        logger.detachAppender(log);
    }

    private KeyPolicyWatch watch(KeyPolicy policy) {
        return new KeyPolicyWatch(
                "demo",
                volume,
                policy,
                jobs,
                (arguments, by) -> submit(by, control -> {
                    orders.add(arguments.json());
                    return rotate(arguments, control);
                }));
    }

    private interface Work {
        JobOutcome run(JobControl control) throws Exception;
    }

    private Job submit(String by, Work work) throws JobRefusedException {
        return jobs.submit(new JobRequest("rotate-dek", "demo", Set.of("ranges"), null, by, work::run));
    }

    private JobOutcome rotate(Arguments arguments, JobControl control) throws Exception {
        SentKeys keys = new SentKeys(arguments, fixture.engine());
        return new RotateDekVerb()
                .run(new VerbCall(
                        "demo",
                        () -> VolumeHead.of(volume),
                        volume,
                        null,
                        arguments,
                        new JvmMemorySource(),
                        keys,
                        control));
    }

    private Job end(Job job) throws Exception {
        Job now = jobs.get(job.id());
        while (!now.state().ended()) {
            now = jobs.next(now.id(), now.revision()).get(20, TimeUnit.SECONDS);
        }
        return now;
    }

    private Job only() {
        List<Job> all = jobs.list();
        assertEquals(1, all.size(), all.toString());
        return all.get(0);
    }

    private int generation(long range) {
        return RangeWord.generation(volume.word(range));
    }

    private void pass(Duration time) {
        seconds.addAndGet(time.toSeconds());
    }

    private long warnings() {
        return log.list.stream().filter(line -> line.getLevel() == Level.WARN).count();
    }

    @Test
    void replacesKeysThatAreTooOldAndLeavesTheOthers() throws Exception {
        try (AuditLines audit = AuditLines.listen()) {
            KeyPolicyWatch watch = watch(BY_AGE);
            watch.look();
            pass(Duration.ofDays(89));
            watch.look();
            assertEquals(List.of(), jobs.list());
            submit(
                    "operator",
                    control -> rotate(new Arguments().number("firstRange", 1).number("lastRange", 1), control));
            end(only());
            pass(Duration.ofDays(1));
            watch.look();
            assertEquals(2, watch.overdueRanges(), "ranges 0 and 2, which came with them");
            Job job = end(jobs.list().get(1));
            assertEquals(JobState.DONE, job.state(), String.valueOf(job.outcome()));
            assertEquals("policy max-key-age", job.by());
            assertEquals(2, generation(0));
            assertEquals(2, generation(1), "by hand, yesterday");
            assertEquals(7, fixture.read(volume, 0));
            assertEquals(8, fixture.read(volume, 17));
            watch.look();
            assertEquals(0, watch.overdueRanges());
            assertEquals(2, jobs.list().size());
            List<String> lines = audit.of(AuditEvent.DEK_ROTATION_BY_POLICY);
            assertEquals(1, lines.size());
            assertTrue(lines.get(0).contains(" job=2 ranges=2 policy=max-key-age "), lines.get(0));
        }
    }

    @Test
    void replacesKeysThatHaveEncipheredTooMuch() throws Exception {
        KeyPolicyWatch watch = watch(BY_BYTES);
        volume.enciphered(1, (1L << 30) - 1);
        watch.look();
        assertEquals(List.of(), jobs.list());
        volume.enciphered(1, 1);
        pass(Duration.ofDays(1000));
        watch.look();
        Job job = end(only());
        assertEquals(JobState.DONE, job.state(), String.valueOf(job.outcome()));
        assertEquals("policy max-bytes-per-key", job.by());
        assertTrue(orders.get(0).contains("\"bytesPerSecond\":" + (200L << 20)), orders.get(0));
        assertEquals(1, generation(0), "however old it is");
        assertEquals(2, generation(1));
        assertEquals(4096, volume.encipheredBytes(1), "what was copied");
        watch.look();
        assertEquals(1, jobs.list().size());
    }

    @Test
    void namesBothLimitsIfBothArePassed() throws Exception {
        KeyPolicyWatch watch = watch(new KeyPolicy(Duration.ofDays(90), 1L << 30, Long.MAX_VALUE, 3600));
        volume.enciphered(1, 1L << 30);
        pass(Duration.ofDays(91));
        watch.look();
        assertEquals("policy max-key-age,max-bytes-per-key", end(only()).by());
        assertEquals(2, generation(0));
        assertEquals(2, generation(1));
    }

    @Test
    void leavesALockedVolumeAlone() throws Exception {
        KeyPolicyWatch watch = watch(BY_AGE);
        pass(Duration.ofDays(91));
        volume.lock().lock(VolumeLock.Policy.FREEZE);
        watch.look();
        assertEquals(List.of(), jobs.list());
        volume.lock().unlock(List.of(fixture.key(1)));
        watch.look();
        assertEquals(JobState.DONE, end(only()).state());
    }

    @Test
    void waitsForTheVolumeKeyToBeRotated() throws Exception {
        KeyPolicyWatch watch = watch(BY_AGE);
        pass(Duration.ofDays(91));
        volume.volumeKeyRotation().begin(List.of(fixture.key(1)), Set.of());
        watch.look();
        assertEquals(List.of(), jobs.list());
        volume.volumeKeyRotation().goOn(JobControl.ALONE);
        watch.look();
        assertEquals(JobState.DONE, end(only()).state());
    }

    @Test
    void beginsNothingBesideAnotherRotationAlsoIfThatIsPaused() throws Exception {
        CountDownLatch may = new CountDownLatch(1);
        Job other = submit("operator", control -> {
            may.await();
            control.checkpoint();
            return JobOutcome.done("", "{}");
        });
        KeyPolicyWatch watch = watch(BY_AGE);
        pass(Duration.ofDays(91));
        watch.look();
        assertEquals(other.id(), only().id());
        jobs.pause(other.id());
        may.countDown();
        watch.look();
        assertEquals(other.id(), only().id());
        assertEquals(0, warnings(), "nothing is wrong");
        jobs.resume(other.id());
        end(other);
        watch.look();
        assertEquals(2, jobs.list().size());
    }

    @Test
    void letsAJobBeThatWasCancelledUntilTheLookAfter() throws Exception {
        CountDownLatch may = new CountDownLatch(1);
        KeyPolicyWatch watch = new KeyPolicyWatch(
                "demo",
                volume,
                BY_AGE,
                jobs,
                (arguments, by) -> submit(by, control -> {
                    may.await();
                    control.checkpoint();
                    return JobOutcome.done("", "{}");
                }));
        pass(Duration.ofDays(91));
        watch.look();
        jobs.cancel(only().id());
        may.countDown();
        assertEquals(JobState.CANCELED, end(only()).state());
        KeyPolicyWatch restarted = watch(BY_AGE);
        for (KeyPolicyWatch each : List.of(watch, restarted)) {
            each.look();
            assertEquals(
                    1, jobs.list().size(), "whoever cancelled it has this long, also if it went on after a restart");
        }
        watch.look();
        assertEquals(2, jobs.list().size());
        end(jobs.list().get(1));
    }

    @Test
    void warnsOnceIfThereIsNoSlotToCopyTo() throws Exception {
        volume.close();
        open(0);
        KeyPolicyWatch watch = watch(BY_AGE);
        pass(Duration.ofDays(91));
        assertEquals(0, volume.freeSlots());
        watch.look();
        watch.look();
        assertEquals(List.of(), jobs.list());
        assertEquals(1, warnings());
        assertEquals(3, watch.overdueRanges(), "for who looks at the metrics");
        VolumeShredder.shred(volume, 2, 1);
        watch.look();
        assertEquals(JobState.DONE, end(only()).state());
        assertEquals(1, warnings());
        assertEquals(2, generation(0));
        fixture.write(volume, 33, 9);
        pass(Duration.ofDays(91));
        watch.look();
        assertEquals(2, warnings(), "it had worked in between");
    }

    @Test
    void warnsOnceIfTheClockMakesNoSense() throws Exception {
        KeyPolicyWatch watch = watch(BY_AGE);
        seconds.set(0);
        watch.look();
        watch.look();
        assertEquals(List.of(), jobs.list(), "every key is from the future, and new ones would be old at once");
        assertEquals(1, warnings());
        assertTrue(log.list.get(0).getFormattedMessage().contains("set the clock"), log.list.toString());
        seconds.set(BEGIN);
        watch.look();
        assertEquals(0, watch.overdueRanges());
        assertEquals(1, warnings());
    }

    @Test
    void beginsAgainWhatFailed() throws Exception {
        AtomicBoolean broken = new AtomicBoolean(true);
        KeyPolicyWatch watch = new KeyPolicyWatch(
                "demo",
                volume,
                BY_AGE,
                jobs,
                (arguments, by) -> submit(by, control -> {
                    if (broken.get()) {
                        throw new IOException("the storage does not answer");
                    }
                    return rotate(arguments, control);
                }));
        pass(Duration.ofDays(91));
        watch.look();
        assertEquals(JobState.FAILED, end(only()).state());
        broken.set(false);
        watch.look();
        assertEquals(JobState.DONE, end(jobs.list().get(1)).state());
        assertEquals(2, generation(0));
    }
}
