package io.blockseal.app.tending;

import io.blockseal.volume.metadata.RetryTimer;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * Looks at something of a served volume again and again, on a keeper's thread, until it is closed. The pauses have jitter:
 * volumes that were opened together, or failed together, do not ask their key source together for ever.
 */
public final class Polling implements AutoCloseable {
    private final Runnable look;
    private final IntSupplier pauseSeconds;
    private final Executor worker;
    private final RetryTimer timer;
    private boolean closed;

    private Polling(Runnable look, IntSupplier pauseSeconds, Executor worker, RetryTimer timer) {
        this.look = look;
        this.pauseSeconds = pauseSeconds;
        this.worker = worker;
        this.timer = timer;
    }

    /**
     * The first look is made at once, the others {@code pauseSeconds} after the end of the one before, or up to a fifth
     * sooner; all of them on {@code worker}.
     */
    public static Polling begin(Runnable look, int pauseSeconds, Executor worker, RetryTimer timer) {
        return begin(look, () -> pauseSeconds, worker, timer);
    }

    /** Likewise, and how long each pause is, is asked before it. */
    public static Polling begin(Runnable look, IntSupplier pauseSeconds, Executor worker, RetryTimer timer) {
        Polling polling = new Polling(look, pauseSeconds, worker, timer);
        worker.execute(polling::lookNow);
        return polling;
    }

    /** The first look is made after the first pause, and how long each is, is asked before it. */
    public static Polling beginLater(Runnable look, IntSupplier pauseSeconds, Executor worker, RetryTimer timer) {
        Polling polling = new Polling(look, pauseSeconds, worker, timer);
        polling.again();
        return polling;
    }

    /** With the lock held throughout, so that whoever closes it knows that no look is under way. */
    private synchronized void lookNow() {
        if (closed) {
            return;
        }
        try {
            look.run();
        } finally {
            // A look that broke was one look: the next one may be well.
            again();
        }
    }

    private void again() {
        long pauseMillis = TimeUnit.SECONDS.toMillis(pauseSeconds.getAsInt());
        long sooner = ThreadLocalRandom.current().nextLong(pauseMillis / 5 + 1);
        timer.schedule(pauseMillis - sooner, () -> worker.execute(this::lookNow));
    }

    @Override
    public synchronized void close() {
        closed = true;
    }
}
