package io.blockseal.app;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.volume.RetryTimer;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens volumes whose key source could not be asked when the daemon started: each is tried again, later each time, until
 * it opens. The others are served meanwhile. From any thread; the tries run on keeper threads.
 */
final class LateOpenings implements AutoCloseable {
    /** Opens one. */
    interface Opening {
        /** When this returns, clients are let in. */
        void open(ServedVolume volume) throws Exception;
    }

    private static final Logger LOG = LoggerFactory.getLogger(LateOpenings.class);

    private final Opening opening;
    private final Executor worker;
    private final RetryTimer timer;
    private final long firstMillis;
    private final long maxMillis;
    private final Set<Thread> trying = new HashSet<>();
    private boolean closed;

    LateOpenings(Opening opening, Executor worker, RetryTimer timer, long firstMillis, long maxMillis) {
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
                "volume={}: its key cannot be had yet, and is asked for again; others are served: {}",
                volume.name(),
                why);
        volume.awaitKey(why);
        again(volume, 1);
    }

    private void again(ServedVolume volume, int tries) {
        long step = Math.min(maxMillis, firstMillis << Math.min(tries - 1, 20));
        long pause = step / 2 + ThreadLocalRandom.current().nextLong(step / 2 + 1);
        timer.schedule(pause, () -> worker.execute(() -> attempt(volume, tries)));
    }

    private void attempt(ServedVolume volume, int tries) {
        if (!begin()) {
            return;
        }
        try {
            opening.open(volume);
            LOG.info("volume={}: its key is there; it is served", volume.name());
        } catch (Exception failed) {
            String why = Failures.message(failed);
            LOG.debug("volume={}", volume.name(), failed);
            if (!why.equals(volume.awaitsKeyBecause())) {
                LOG.warn("volume={}: still cannot be opened, and is tried again: {}", volume.name(), why);
                volume.awaitKey(why);
            }
            // One that does not fit its configuration never will.
            if (failed instanceof CommandException) {
                LOG.error("volume={}: is not served until the daemon is started anew: {}", volume.name(), why);
            } else {
                again(volume, tries + 1);
            }
        } finally {
            end();
        }
    }

    private synchronized boolean begin() {
        return !closed && trying.add(Thread.currentThread());
    }

    private synchronized void end() {
        trying.remove(Thread.currentThread());
        // It was meant for the try, and the thread serves others.
        Thread.interrupted();
        notifyAll();
    }

    /** No more tries begin, and those that wait for a key source are told not to; returns when none is under way. */
    @Override
    public synchronized void close() {
        closed = true;
        trying.forEach(Thread::interrupt);
        boolean interrupted = false;
        while (!trying.isEmpty()) {
            try {
                wait();
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
