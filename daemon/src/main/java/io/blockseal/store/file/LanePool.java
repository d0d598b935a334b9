package io.blockseal.store.file;

import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * One store's threads for calls that wait for a disk. Each store has its own, so that one that stalls delays nobody
 * else; they start when first needed and end when idle.
 */
final class LanePool {
    private static final int THREADS = 4;
    private static final long IDLE_SECONDS = 60;

    private final ThreadPoolExecutor threads;

    LanePool(String storeName) {
        threads = new ThreadPoolExecutor(
                THREADS, THREADS, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "lane-" + storeName);
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
    }

    /** Runs the call on a pool thread. */
    void execute(Runnable call) {
        threads.execute(call);
    }

    /**
     * Takes no more calls and waits for those that it has. An interruption is kept for the caller, and does not shorten
     * the wait.
     *
     * @return whether all of them ended in time; if not, their descriptor must stay open
     */
    boolean drain(Duration patience) {
        threads.shutdown();
        long deadline = System.nanoTime() + patience.toNanos();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return threads.awaitTermination(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
