package io.blockseal.app;

import io.blockseal.volume.RetryTimer;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

/** Looks at something of a served volume again and again, on a keeper's thread, until it is closed. */
final class Polling implements AutoCloseable {
    private final Runnable look;
    private final long pauseMillis;
    private final Executor worker;
    private final RetryTimer timer;
    private boolean closed;

    private Polling(Runnable look, int pauseSeconds, Executor worker, RetryTimer timer) {
        this.look = look;
        this.pauseMillis = TimeUnit.SECONDS.toMillis(pauseSeconds);
        this.worker = worker;
        this.timer = timer;
    }

    /**
     * The first look is made at once, the others {@code pauseSeconds} after the end of the one before; all of them on
     * {@code worker}.
     */
    static Polling begin(Runnable look, int pauseSeconds, Executor worker, RetryTimer timer) {
        Polling polling = new Polling(look, pauseSeconds, worker, timer);
        worker.execute(polling::lookNow);
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
            timer.schedule(pauseMillis, () -> worker.execute(this::lookNow));
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
    }
}
