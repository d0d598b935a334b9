package io.blockseal.job;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A job in the making: what {@link Jobs} knows of it, and the {@link JobControl} that its work holds. Everything but the
 * two wishes is under the lock of {@link Jobs}.
 */
final class JobRun implements JobControl {
    /** So seldom does progress alone wake those who watch. */
    private static final long PROGRESS_NANOS = 200_000_000L;

    private record Watcher(long since, CompletableFuture<Job> told) {}

    final long id;
    final JobRequest request;
    private final ReentrantLock lock;
    private final Condition wishChanged;
    private final JobClock clock;
    private final Instant created;
    private final List<Watcher> watchers = new ArrayList<>();

    /** Somebody wants it to stand still. Written under the lock. */
    private volatile boolean pauseWanted;
    /** Its volume was taken out of service before it had ended; the lock is held. */
    boolean suspended;

    /** Somebody has cancelled it, whatever else wanted its end afterwards; the lock is held. */
    boolean cancelled;

    /** Why it is to end, or null. Written under the lock. */
    private volatile @Nullable String endWanted;

    private JobState state = JobState.QUEUED;
    private String phase = "";
    private long done;
    private long total;
    private long doneAtFirst = -1;
    private long workedNanos;
    private long workingSinceNanos;
    private long toldNanos;
    /** When its work last asked whether it is to stand still or to end; written by its thread without the lock. */
    private volatile long checkpointNanos;

    private @Nullable Instant started;
    private @Nullable Instant ended;
    private @Nullable JobOutcome outcome;
    private long revision = 1;

    JobRun(long id, JobRequest request, boolean paused, ReentrantLock lock, JobClock clock) {
        this.id = id;
        this.request = request;
        this.lock = lock;
        this.wishChanged = lock.newCondition();
        this.clock = clock;
        this.created = clock.instant();
        this.pauseWanted = paused;
        this.state = paused ? JobState.PAUSED : JobState.QUEUED;
    }

    // What its work says; on the job's thread.

    @Override
    public void checkpoint() throws JobCanceledException {
        checkpointNanos = clock.nanos();
        if (!pauseWanted && endWanted == null) {
            return;
        }
        lock.lock();
        try {
            if (pauseWanted && endWanted == null) {
                enter(JobState.PAUSED);
                while (pauseWanted && endWanted == null) {
                    wishChanged.awaitUninterruptibly();
                }
                checkpointNanos = clock.nanos();
                enter(JobState.RUNNING);
            }
            String reason = endWanted;
            if (reason != null) {
                throw new JobCanceledException(reason);
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean isDisturbed() {
        checkpointNanos = clock.nanos();
        return pauseWanted || endWanted != null;
    }

    @Override
    public void phase(String words) {
        lock.lock();
        try {
            if (!phase.equals(words)) {
                phase = words;
                changed();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void progress(long nowDone, long nowTotal) {
        lock.lock();
        try {
            // Work of several parts counts each from its beginning, and in whatever fits it: each has a pace of its
            // own.
            if (doneAtFirst < 0 || nowDone < done) {
                doneAtFirst = nowDone;
                workedNanos = 0;
                workingSinceNanos = clock.nanos();
            }
            boolean news = done != nowDone || total != nowTotal;
            done = nowDone;
            total = nowTotal;
            if (news && (nowDone == nowTotal || clock.nanos() - toldNanos >= PROGRESS_NANOS)) {
                toldNanos = clock.nanos();
                changed();
            }
        } finally {
            lock.unlock();
        }
    }

    // What Jobs does with it; the lock is held.

    void begin() {
        if (started == null) {
            started = clock.instant();
        }
        toldNanos = clock.nanos() - PROGRESS_NANOS;
        checkpointNanos = clock.nanos();
        enter(JobState.RUNNING);
    }

    void end(JobState how, JobOutcome what) {
        ended = clock.instant();
        outcome = what;
        enter(how);
    }

    void wantPause(boolean wanted) {
        pauseWanted = wanted;
        wishChanged.signalAll();
        if (started == null) {
            enter(wanted ? JobState.PAUSED : JobState.QUEUED);
        }
    }

    void wantEnd(String reason) {
        if (endWanted == null) {
            endWanted = reason;
        }
        wishChanged.signalAll();
    }

    boolean pauseWanted() {
        return pauseWanted;
    }

    JobState state() {
        return state;
    }

    boolean begun() {
        return started != null;
    }

    private void enter(JobState next) {
        if (state == JobState.RUNNING) {
            workedNanos += clock.nanos() - workingSinceNanos;
        }
        if (next == JobState.RUNNING) {
            workingSinceNanos = clock.nanos();
        }
        if (state != next) {
            state = next;
            changed();
        }
    }

    private void changed() {
        revision++;
        if (watchers.isEmpty()) {
            return;
        }
        Job now = snapshot();
        List<Watcher> told =
                watchers.stream().filter(watcher -> revision > watcher.since).toList();
        watchers.removeAll(told);
        // By way of a pool: whoever is told must not do anything on this thread, which holds the lock.
        told.forEach(watcher -> watcher.told.completeAsync(() -> now));
    }

    /** Told as soon as its revision is beyond {@code since}; at once if it is, or if it has ended. */
    CompletableFuture<Job> next(long since) {
        if (revision > since || state.ended()) {
            return CompletableFuture.completedFuture(snapshot());
        }
        watchers.removeIf(watcher -> watcher.told.isDone());
        CompletableFuture<Job> told = new CompletableFuture<>();
        watchers.add(new Watcher(since, told));
        return told;
    }

    Job snapshot() {
        return new Job(
                id,
                request.verb(),
                request.volume(),
                request.by(),
                state,
                phase,
                done,
                total,
                created,
                started,
                ended,
                secondsLeft(),
                outcome,
                revision);
    }

    /** How long ago it last asked what is wanted of it, or began; 0 while it stands still; -1 before it began. */
    double checkpointSeconds() {
        if (started == null) {
            return -1;
        }
        return state == JobState.RUNNING ? (clock.nanos() - checkpointNanos) / 1e9 : 0;
    }

    long secondsLeft() {
        long behind = done - Math.max(0, doneAtFirst);
        if (state.ended() || total <= 0 || behind <= 0) {
            return -1;
        }
        long worked = workedNanos + (state == JobState.RUNNING ? clock.nanos() - workingSinceNanos : 0);
        return Math.round((double) worked * (total - done) / behind / 1e9);
    }
}
