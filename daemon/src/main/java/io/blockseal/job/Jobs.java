package io.blockseal.job;

import io.blockseal.job.JobRefusedException.Reason;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * All jobs of a daemon: those that wait, those that run, each on a thread of its own, and the last that ended. From any
 * thread but an event loop, except where it says so.
 */
public final class Jobs implements AutoCloseable {
    /** The most that run at a time, paused ones included. */
    public static final int RUNNING_MAX = 16;
    /** The most at a time that nobody asked for: an operator must not wait for days behind the daemon's own. */
    public static final int UNASKED_MAX = 8;
    /** The most that wait. */
    public static final int QUEUED_MAX = 64;
    /** The most that have ended and are still told about. */
    public static final int HISTORY_MAX = 100;

    /** A wrong argument, a wrong key, something in use: for whoever asked, and for nobody who is on call. */
    private static final Set<Integer> REFUSALS = Set.of(2, 3, 5);

    private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);
    private static final String STOPPING = "the daemon stops";

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition oneEnded = lock.newCondition();
    private final JobMemory memory;
    private final Function<Throwable, JobOutcome> failures;
    private final JobClock clock;
    private final Duration patience;
    private final Map<Long, JobRun> jobs = new TreeMap<>();
    private final Deque<JobRun> queue = new ArrayDeque<>();
    private final JobTallies tallies = new JobTallies();
    /** Volumes that are taken out of service. */
    private final Set<String> suspended = new HashSet<>();

    private long lastId;
    private int running;
    private boolean stopping;

    /**
     * No job yet.
     *
     * @param memory where those are remembered that outlive the daemon
     * @param failures what a failure says for people and programs, with its exit code
     * @param patience how long {@link #close} waits for jobs to reach a checkpoint
     */
    public Jobs(JobMemory memory, Function<Throwable, JobOutcome> failures, Duration patience) {
        this(memory, failures, patience, JobClock.SYSTEM);
    }

    Jobs(JobMemory memory, Function<Throwable, JobOutcome> failures, Duration patience, JobClock clock) {
        this.memory = memory;
        this.failures = failures;
        this.patience = patience;
        this.clock = clock;
    }

    /**
     * Begins a job, now or when there is room.
     *
     * @throws JobRefusedException if a job on the same volume excludes it, or there are too many
     */
    public Job submit(JobRequest request) throws JobRefusedException {
        lock.lock();
        try {
            return enter(lastId + 1, request, false);
        } finally {
            lock.unlock();
        }
    }

    /** Begins a job again that was remembered over a restart, under its old number; paused if it was paused. */
    public Job takeUp(JobMemo remembered, JobRequest request) throws JobRefusedException {
        lock.lock();
        try {
            JobRun before = jobs.get(remembered.id());
            if (before != null && !before.state().ended()) {
                throw new JobRefusedException(Reason.CONFLICT, "job " + remembered.id() + " is there already");
            }
            return enter(remembered.id(), request, remembered.paused());
        } finally {
            lock.unlock();
        }
    }

    private Job enter(long id, JobRequest request, boolean paused) throws JobRefusedException {
        if (stopping) {
            throw new JobRefusedException(Reason.UNAVAILABLE, STOPPING + "; no job is begun any more");
        }
        if (suspended.contains(request.volume())) {
            throw new JobRefusedException(
                    Reason.UNAVAILABLE, request.volume() + ": is taken out of service; no job is begun on it");
        }
        for (JobRun other : jobs.values()) {
            if (!other.state().ended() && other.request.excludes(request)) {
                throw inTheWay(other, request.volume(), request.verb());
            }
        }
        if (!request.wasAskedFor()) {
            requireRoomForUnasked(request);
        }
        if (queue.size() >= QUEUED_MAX) {
            throw new JobRefusedException(
                    Reason.UNAVAILABLE, queue.size() + " jobs are waiting already; try again when some have ended");
        }
        JobRun job = new JobRun(id, request, paused, lock, clock);
        remember(job);
        lastId = Math.max(lastId, id);
        jobs.put(id, job);
        tallies.expect(request.volume(), request.verb());
        queue.add(job);
        LOG.info("job={} volume={} by={}: {} begins", id, request.volume(), request.by(), request.verb());
        startWhatMay();
        return job.snapshot();
    }

    private void requireRoomForUnasked(JobRequest request) throws JobRefusedException {
        long unasked = jobs.values().stream()
                .filter(job -> !job.state().ended() && !job.request.wasAskedFor())
                .count();
        if (unasked >= UNASKED_MAX) {
            throw new JobRefusedException(
                    Reason.CONFLICT,
                    request.volume() + ": " + unasked + " jobs that nobody asked for are under way, and no more than "
                            + UNASKED_MAX + " may be; " + request.verb() + " has to wait for one of them");
        }
    }

    private static JobRefusedException inTheWay(JobRun job, String called, String verb) {
        return new JobRefusedException(
                Reason.CONFLICT,
                called + ": job " + job.id + " (" + job.request.verb() + ") is "
                        + job.state().word()
                        + " on this volume, and " + verb + " has to wait for it.\n  Watch it, or end it: blockseal job"
                        + " watch " + job.id + ", blockseal job cancel " + job.id);
    }

    private void remember(JobRun job) throws JobRefusedException {
        JobMemo memo = memoOf(job);
        if (memo == null) {
            return;
        }
        try {
            memory.keep(memo);
        } catch (IOException e) {
            throw new JobRefusedException(
                    Reason.UNAVAILABLE,
                    job.request.volume() + ": the job cannot be remembered over a restart: " + e.getMessage());
        }
    }

    private static @Nullable JobMemo memoOf(JobRun job) {
        String memo = job.request.memo();
        return memo == null
                ? null
                : new JobMemo(
                        job.id, job.request.verb(), job.request.volume(), job.pauseWanted(), memo, job.request.by());
    }

    /** The lock is held. One that is paused before it began waits outside of the queue's order. */
    private void startWhatMay() {
        while (running < RUNNING_MAX) {
            JobRun next =
                    queue.stream().filter(job -> !job.pauseWanted()).findFirst().orElse(null);
            if (next == null) {
                return;
            }
            queue.remove(next);
            running++;
            next.begin();
            Thread thread = new Thread(() -> work(next), "job-" + next.id);
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void work(JobRun job) {
        JobState how;
        JobOutcome what;
        try {
            what = job.request.work().run(job);
            how = what.ok() ? JobState.DONE : JobState.FAILED;
        } catch (JobCanceledException ended) {
            what = failures.apply(ended);
            how = JobState.CANCELED;
        } catch (Exception failed) {
            LOG.debug("job={}", job.id, failed);
            what = failures.apply(failed);
            how = JobState.FAILED;
        } catch (Error broken) {
            LOG.error("job={}: {} broke", job.id, job.request.verb(), broken);
            what = failures.apply(broken);
            how = JobState.FAILED;
        }
        lock.lock();
        try {
            running--;
            ended(job, how, what);
            startWhatMay();
        } finally {
            lock.unlock();
        }
    }

    /** The lock is held. */
    private void ended(JobRun job, JobState how, JobOutcome what) {
        JobMemo memo = memoOf(job);
        // What the end of the service interrupts goes on when the volume is served again.
        boolean isSuspended = job.suspended || suspended.contains(job.request.volume());
        boolean interrupted = (stopping && how == JobState.CANCELED) || (isSuspended && how != JobState.DONE);
        boolean goesOnLater = interrupted && !job.cancelled;
        if (memo != null && !goesOnLater) {
            memory.forget(memo);
        }
        job.end(how, what);
        tallies.ended(job);
        switch (how) {
            case FAILED ->
                LOG.atLevel(REFUSALS.contains(what.exitCode()) ? Level.WARN : Level.ERROR)
                        .log(
                                "job={} volume={}: {} failed: {}",
                                job.id,
                                job.request.volume(),
                                job.request.verb(),
                                what.text().strip());
            default ->
                LOG.info("job={} volume={}: {} {}", job.id, job.request.volume(), job.request.verb(), how.word());
        }
        long tooMany =
                jobs.values().stream().filter(each -> each.state().ended()).count() - HISTORY_MAX;
        jobs.values().stream()
                .filter(each -> each.state().ended())
                .map(each -> each.id)
                .limit(Math.max(0, tooMany))
                .toList()
                .forEach(jobs::remove);
        oneEnded.signalAll();
    }

    /** Every job that is known, the oldest first. Short enough for an event loop. */
    public List<Job> list() {
        lock.lock();
        try {
            List<Job> all = new ArrayList<>();
            jobs.values().forEach(job -> all.add(job.snapshot()));
            return all;
        } finally {
            lock.unlock();
        }
    }

    /**
     * From now on {@link #tallies} tells of jobs of that verb on that volume, before there is any: a counter that first
     * appears as 1 would hide the first failure.
     */
    public void expect(String volume, String verb) {
        lock.lock();
        try {
            tallies.expect(volume, verb);
        } finally {
            lock.unlock();
        }
    }

    /** All jobs since the daemon began, counted by volume and verb. Short enough for an event loop. */
    public List<JobTally> tallies() {
        lock.lock();
        try {
            return tallies.with(jobs.values());
        } finally {
            lock.unlock();
        }
    }

    /** The job of that number. Short enough for an event loop. */
    public Job get(long id) throws JobRefusedException {
        lock.lock();
        try {
            return known(id).snapshot();
        } finally {
            lock.unlock();
        }
    }

    /**
     * The job as soon as its revision is beyond {@code since}, or it has ended. Never completes on a job that stands still:
     * whoever waits brings a limit and cancels what is returned. Completes on a thread of a pool. Short enough for an event
     * loop.
     */
    public CompletableFuture<Job> next(long id, long since) throws JobRefusedException {
        lock.lock();
        try {
            return known(id).next(since);
        } finally {
            lock.unlock();
        }
    }

    /** Lets it stand still at its next checkpoint. One that is paused already stays so. */
    public Job pause(long id) throws JobRefusedException {
        return wish(id, "paused", job -> job.wantPause(true));
    }

    /** Lets it go on. One that runs goes on running. */
    public Job resume(long id) throws JobRefusedException {
        return wish(id, "resumed", job -> job.wantPause(false));
    }

    /** Lets it end at its next checkpoint. What it has finished by then stays. */
    public Job cancel(long id) throws JobRefusedException {
        return wish(id, "cancelled", job -> {
            job.cancelled = true;
            wantEnd(job, "job " + id + " was cancelled; what it finished stays");
        });
    }

    private interface Wish {
        void tell(JobRun job);
    }

    private Job wish(long id, String what, Wish wish) throws JobRefusedException {
        lock.lock();
        try {
            JobRun job = known(id);
            if (job.state().ended()) {
                throw new JobRefusedException(
                        Reason.CONFLICT,
                        "job " + id + " is " + job.state().word() + " already; it cannot be " + what + " any more");
            }
            boolean paused = job.pauseWanted();
            wish.tell(job);
            if (paused != job.pauseWanted() && !job.state().ended()) {
                remember(job);
            }
            startWhatMay();
            return job.snapshot();
        } finally {
            lock.unlock();
        }
    }

    /** The lock is held. One that has not begun ends at once. */
    private void wantEnd(JobRun job, String reason) {
        job.wantEnd(reason);
        if (queue.remove(job)) {
            job.request.work().dropped();
            ended(job, JobState.CANCELED, failures.apply(new JobCanceledException(reason)));
        }
    }

    private JobRun known(long id) throws JobRefusedException {
        JobRun job = jobs.get(id);
        if (job == null) {
            throw new JobRefusedException(
                    Reason.UNKNOWN,
                    "there is no job " + id + "; the last " + HISTORY_MAX + " that ended are remembered until the"
                            + " daemon stops.\n  See: blockseal job list");
        }
        return job;
    }

    /**
     * Refuses, for {@code verb} on the volume that messages call {@code called}, if a job on it has not ended, be it paused
     * or still waiting. Nothing keeps one from being submitted afterwards.
     */
    public void requireNone(String volume, String called, String verb) throws JobRefusedException {
        lock.lock();
        try {
            for (JobRun job : jobs.values()) {
                if (!job.state().ended() && job.request.volume().equals(volume)) {
                    throw inTheWay(job, called, verb);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    /** Begins no job on that volume until {@link #allow}; what a job on it fails of meanwhile does not make it forgotten. */
    public void forbid(String volume) {
        lock.lock();
        try {
            suspended.add(volume);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Begins no job on that volume until {@link #allow}, and lets those that are there end at their next checkpoint; those
     * that are remembered go on when they are taken up.
     *
     * @return whether all have ended within the time that {@link #close} would give them
     */
    public boolean suspend(String volume, String reason) {
        forbid(volume);
        lock.lock();
        try {
            jobs.values().stream()
                    .filter(job -> job.request.volume().equals(volume))
                    .forEach(job -> job.suspended = true);
        } finally {
            lock.unlock();
        }
        return endAll(reason, patience, job -> job.request.volume().equals(volume));
    }

    /** Jobs may be begun on that volume again. */
    public void allow(String volume) {
        lock.lock();
        try {
            suspended.remove(volume);
        } finally {
            lock.unlock();
        }
    }

    private boolean endAll(String reason, Duration limit, Predicate<JobRun> which) {
        long leftNanos = limit.toNanos();
        lock.lock();
        try {
            List<JobRun> wanted = jobs.values().stream()
                    .filter(job -> !job.state().ended())
                    .filter(which)
                    .toList();
            wanted.forEach(job -> wantEnd(job, reason));
            while (!wanted.stream().allMatch(job -> job.state().ended())) {
                if (leftNanos <= 0) {
                    return false;
                }
                leftNanos = oneEnded.awaitNanos(leftNanos);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Begins no job any more, and lets all end at their next checkpoint; those that are remembered go on at the next
     * start. Call it before volumes are closed.
     */
    @Override
    public void close() {
        lock.lock();
        try {
            stopping = true;
        } finally {
            lock.unlock();
        }
        if (!endAll(STOPPING, patience, job -> true)) {
            LOG.warn("jobs did not reach a checkpoint within {} s", TimeUnit.NANOSECONDS.toSeconds(patience.toNanos()));
        }
    }
}
