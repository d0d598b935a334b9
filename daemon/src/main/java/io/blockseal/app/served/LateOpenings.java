package io.blockseal.app.served;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
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
 * it opens, or an operator sends another of its keys. The others are served meanwhile. From any thread; the tries run on
 * keeper threads.
 */
public final class LateOpenings {
    /** Opens one. */
    public interface Opening {
        /** When this returns, clients are let in. One that is open already is only looked after. */
        void open(ServedVolume volume) throws Exception;
    }

    /** What becomes of a try that is due. */
    private enum Begin {
        BEGUN,
        POSTPONED,
        UNWANTED
    }

    private static final Logger LOG = LoggerFactory.getLogger(LateOpenings.class);

    private final Opening opening;
    private final Executor worker;
    private final RetryTimer timer;
    private final long firstMillis;
    private final long maxMillis;
    private final Set<ServedVolume> underWay = new HashSet<>();
    private final Set<ServedVolume> givenUp = Collections.newSetFromMap(new WeakHashMap<>());
    /** That are not open yet, and not given up. */
    private final Set<ServedVolume> waiting = new HashSet<>();
    /** For which an order has come: no try of ours begins. */
    private final Set<ServedVolume> ordered = new HashSet<>();

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
        synchronized (this) {
            waiting.add(volume);
        }
        again(volume, 1);
    }

    /** Likewise, after a try that is still under way, whatever comes of it. */
    void await(ServedVolume volume, String why, CompletableFuture<?> first) {
        LOG.warn("volume={}: {}; nothing else waits for it", volume.name(), why);
        volume.awaitKey(why);
        synchronized (this) {
            waiting.add(volume);
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
            waiting.remove(volume);
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
        switch (begin(volume)) {
            case UNWANTED -> {}
            // Should the order not open it, the tries go on.
            case POSTPONED -> again(volume, tries);
            case BEGUN -> attemptNow(volume, tries);
        }
    }

    private void attemptNow(ServedVolume volume, int tries) {
        try {
            opening.open(volume);
            waitsNoMore(volume);
            LOG.info("volume={}: its key is there; it is served", volume.name());
        } catch (Exception failed) {
            String why = Failures.message(failed);
            LOG.debug("volume={}", volume.name(), failed);
            if (failed instanceof CommandException) {
                doesNotFit(volume, why);
                return;
            }
            if (isGivenUp(volume)) {
                return; // Its sources were ended under the question.
            }
            // What was called back for an order has nothing to tell.
            if (!isOrdered(volume) && !why.equals(volume.awaitsKeyBecause())) {
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

    /** One that does not fit its configuration never will. */
    private void doesNotFit(ServedVolume volume, String why) {
        LOG.error(
                "volume={}: is not served until its configuration is mended and loaded again: {}", volume.name(), why);
        volume.giveUp(why);
        waitsNoMore(volume);
    }

    private synchronized void waitsNoMore(ServedVolume volume) {
        waiting.remove(volume);
    }

    private synchronized boolean isOrdered(ServedVolume volume) {
        return ordered.contains(volume);
    }

    private synchronized Begin begin(ServedVolume volume) {
        if (!isWanted(volume)) {
            firstTries.remove(volume);
            return Begin.UNWANTED;
        }
        if (ordered.contains(volume)) {
            return Begin.POSTPONED;
        }
        firstTries.remove(volume);
        return underWay.add(volume) ? Begin.BEGUN : Begin.UNWANTED;
    }

    private boolean isWanted(ServedVolume volume) {
        return !closed && !givenUp.contains(volume) && waiting.contains(volume);
    }

    /**
     * Opens one that waits, by a key that an operator has sent. A try that is under way is called back, and none begins
     * meanwhile; if the key does not open it, the tries go on.
     *
     * @param byOrder opens it, as a try would
     * @return false if it does not wait, or no more; then nothing was done
     * @throws Exception if it is not opened
     */
    public boolean openByOrder(ServedVolume volume, Opening byOrder, Duration patience) throws Exception {
        if (!take(volume)) {
            return false;
        }
        try {
            if (!becomesFree(volume, System.nanoTime() + patience.toNanos())) {
                return false;
            }
            try {
                byOrder.open(volume);
                waitsNoMore(volume);
                LOG.info("volume={}: an operator has sent a key that opens it; it is served", volume.name());
                return true;
            } catch (CommandException unfit) {
                doesNotFit(volume, Failures.message(unfit));
                throw unfit;
            } finally {
                end(volume);
            }
        } finally {
            synchronized (this) {
                ordered.remove(volume);
            }
        }
    }

    private synchronized boolean take(ServedVolume volume) throws CommandException {
        if (!isWanted(volume)) {
            return false;
        }
        if (!ordered.add(volume)) {
            throw new CommandException(
                    ExitCode.IN_USE,
                    volume.name() + ": another order opens it just now; try again when that has ended.");
        }
        return true;
    }

    /** Whether it is the order's to open; no try is under way then. */
    private boolean becomesFree(ServedVolume volume, long deadline) throws Exception {
        CompletableFuture<?> first;
        synchronized (this) {
            first = firstTries.get(volume);
        }
        volume.suspendAsking();
        try {
            if (first != null) {
                first.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
            }
            synchronized (this) {
                if (!waitWhile(() -> underWay.contains(volume), deadline)) {
                    throw new TimeoutException();
                }
                return isWanted(volume) && volume.export() == null && underWay.add(volume);
            }
        } catch (TimeoutException stuck) {
            throw new CommandException(
                    ExitCode.IN_USE,
                    volume.name() + ": its key source is being asked, and cannot be called back; try again.",
                    stuck);
        } finally {
            volume.resumeAsking();
        }
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
