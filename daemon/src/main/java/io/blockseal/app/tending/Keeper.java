package io.blockseal.app.tending;

import io.blockseal.volume.metadata.RetryTimer;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads that commit metadata. Commits of one volume queue up by themselves, so there are at most as many threads as
 * volumes commit at the time; there is no smaller number, because a volume whose storage does not answer keeps its thread
 * and must not keep those of the others.
 */
public final class Keeper implements Executor, RetryTimer, AutoCloseable {
    private static final long CLOSE_SECONDS = 10;

    private final AtomicInteger number = new AtomicInteger();
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "keeper-" + number.getAndIncrement());
        thread.setDaemon(true);
        return thread;
    });

    /** Only says when; what is to be done then runs on a keeper. */
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "keeper-timer");
        thread.setDaemon(true);
        return thread;
    });

    @Override
    public void execute(Runnable task) {
        threads.execute(task);
    }

    /** Runs {@code task} on the timer's thread; nothing comes any more after {@link #close}. */
    @Override
    public void schedule(long delayMillis, Runnable task) {
        try {
            timer.schedule(task, delayMillis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException closed) {
            // There is nothing left to be retried for: its volume is being closed.
            return;
        }
    }

    /** Lets what was begun end. Volumes are closed before. */
    @Override
    public void close() {
        timer.shutdownNow();
        threads.shutdown();
        try {
            threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
