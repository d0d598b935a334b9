package io.blockseal.keysource.rest;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Calls that nobody can end, such as those of the system's resolver or of a vendor's library: they are made on threads that
 * are left to them, of which there is a bounded number, and whoever wants the outcome waits for it only as long as he likes,
 * and no longer once he is interrupted. From any thread but one that serves I/O; blocks.
 */
public final class Aside {
    private static final int THREADS_MAX = 16;

    private final ThreadPoolExecutor threads;

    /** Threads of that name; they end when nothing was asked for a while. */
    public Aside(String name) {
        threads = new ThreadPoolExecutor(
                THREADS_MAX, THREADS_MAX, 1, TimeUnit.MINUTES, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, name);
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
    }

    /**
     * What the call gives.
     *
     * @throws ExecutionException if it throws
     * @throws TimeoutException if it has not ended by then; it is left alone
     * @throws InterruptedException likewise, if whoever waits is interrupted
     */
    public <T> T call(Callable<T> call, Duration within)
            throws ExecutionException, TimeoutException, InterruptedException {
        FutureTask<T> task = new FutureTask<>(call);
        threads.execute(task);
        try {
            return task.get(within.toMillis(), TimeUnit.MILLISECONDS);
        } finally {
            task.cancel(true);
            threads.remove(task);
        }
    }

    /**
     * Likewise, in the words of a key source: {@code trouble} is how messages begin that say why there is no outcome.
     *
     * @throws ExecutionException if it throws; errors are passed on as they are
     * @throws KeySourceException UNREACHABLE if it has not ended by then, or if we are interrupted
     */
    public <T> T ask(String trouble, Callable<T> call, Duration within) throws ExecutionException, KeySourceException {
        try {
            return call(call, within);
        } catch (TimeoutException late) {
            throw new KeySourceException(
                    Kind.UNREACHABLE, trouble + ": nobody has answered within " + within.toSeconds() + " s", late);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new KeySourceException(
                    Kind.UNREACHABLE, trouble + ": we were interrupted while waiting for it", interrupted);
        } catch (ExecutionException failed) {
            if (failed.getCause() instanceof Error broken) {
                throw broken;
            }
            throw failed;
        }
    }
}
