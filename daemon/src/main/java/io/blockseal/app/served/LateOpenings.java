package io.blockseal.app.served;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.Failures;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.volume.metadata.RetryTimer;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens volumes whose key source could not be asked when the daemon started: each is tried again, later each time, until
 * it opens. The others are served meanwhile. From any thread; the tries run on keeper threads.
 */
public final class LateOpenings {
    /** Opens one. */
    public interface Opening {
        /** When this returns, clients are let in. One that is open already is only looked after. */
        void open(ServedVolume volume) throws Exception;
    }

    private static final Logger LOG = LoggerFactory.getLogger(LateOpenings.class);

    private final Opening opening;
    private final Executor worker;
    private final RetryTimer timer;
    private final long firstMillis;
    private final long maxMillis;
    private final Set<ServedVolume> underWay = new HashSet<>();
    private final Set<ServedVolume> givenUp = Collections.newSetFromMap(new WeakHashMap<>());
    private final Map<ServedVolume, CompletableFuture<?>> firstTries = new HashMap<>();
    private boolean closed;

    public LateOpenings(Opening opening, Executor worker, RetryTimer timer, long firstMillis, long maxMillis) {
        this.opening = opening;
        this.worker = worker;
        this.timer = timer;
        this.firstMillis = firstMillis;
        this.maxMillis = maxMillis;
    }

    /** Whether waiting may help: the source does not answer, or says no for now. */
    static boolean mayHelp(KeySourceException failed) {
        return failed.kind() != Kind.MISCONFIGURED;
    }

    /** Tries it later, and again and again. */
    void await(ServedVolume volume, String why) {
        LOG.error(
                "volume={}: its key cannot be had yet, and is asked for again; nothing else waits for it: {}",
                volume.name(),
                why);
        volume.awaitKey(why);
        again(volume, 1);
    }

    /** Likewise, after a try that is still under way, whatever comes of it. */
    void await(ServedVolume volume, String why, CompletableFuture<?> first) {
        LOG.warn("volume={}: {}; nothing else waits for it", volume.name(), why);
        volume.awaitKey(why);
        synchronized (this) {
            firstTries.put(volume, first);
        }
        first.whenCompleteAsync((opened, failed) -> attempt(volume, 1), worker);
    }

    /**
     * Tries it no more. Its key sources have been ended before, so that no try waits for them.
     *
     * @return whether no try is under way any more; the last one may have opened it
     */
    boolean giveUp(ServedVolume volume, Duration patience) throws InterruptedException {
        long deadline = System.nanoTime() + patience.toNanos();
        CompletableFuture<?> first;
        synchronized (this) {
            givenUp.add(volume);
            first = firstTries.remove(volume);
        }
        if (first != null) {
            try {
                first.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            } catch (ExecutionException broken) {
                LOG.debug("volume={}", volume.name(), broken);
            } catch (TimeoutException stuck) {
                return false;
            }
        }
        synchronized (this) {
            return waitWhile(() -> underWay.contains(volume), deadline);
        }
    }

    private void again(ServedVolume volume, int tries) {
        long step = Math.min(maxMillis, firstMillis << Math.min(tries - 1, 20));
        long pause = step / 2 + ThreadLocalRandom.current().nextLong(step / 2 + 1);
        timer.schedule(pause, () -> worker.execute(() -> attempt(volume, tries)));
    }

    private void attempt(ServedVolume volume, int tries) {
        if (!begin(volume)) {
            return;
        }
        try {
            opening.open(volume);
            LOG.info("volume={}: its key is there; it is served", volume.name());
        } catch (Exception failed) {
            String why = Failures.message(failed);
            LOG.debug("volume={}", volume.name(), failed);
            // One that does not fit its configuration never will.
            if (failed instanceof CommandException) {
                LOG.error(
                        "volume={}: is not served until its configuration is mended and loaded again: {}",
                        volume.name(),
                        why);
                volume.giveUp(why);
                return;
            }
            if (isGivenUp(volume)) {
                return; // Its sources were ended under the question.
            }
            if (!why.equals(volume.awaitsKeyBecause())) {
                LOG.warn("volume={}: still cannot be opened, and is tried again: {}", volume.name(), why);
                volume.awaitKey(why);
            }
            again(volume, tries + 1);
        } finally {
            end(volume);
        }
    }

    private synchronized boolean isGivenUp(ServedVolume volume) {
        return closed || givenUp.contains(volume);
    }

    private synchronized boolean begin(ServedVolume volume) {
        firstTries.remove(volume);
        return !closed && !givenUp.contains(volume) && underWay.add(volume);
    }

    private synchronized void end(ServedVolume volume) {
        underWay.remove(volume);
        notifyAll();
    }

    /**
     * No more tries begin. Key sources are ended before, so that few have to be waited for; but some cannot be.
     *
     * @return whether no try is under way any more
     */
    public synchronized boolean haveEnded(Duration patience) {
        closed = true;
        try {
            return waitWhile(() -> !underWay.isEmpty(), System.nanoTime() + patience.toNanos());
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
            return underWay.isEmpty();
        }
    }

    /** With the lock held; false if that is still so when the time is over. */
    private boolean waitWhile(BooleanSupplier busy, long deadline) throws InterruptedException {
        long left = deadline - System.nanoTime();
        while (busy.getAsBoolean() && left > 0) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
            left = deadline - System.nanoTime();
        }
        return !busy.getAsBoolean();
    }
}
