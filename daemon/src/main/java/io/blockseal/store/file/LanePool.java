package io.blockseal.store.file;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * One store's threads for calls that wait for a disk. Each store has its own, so that one that stalls delays nobody
 * else; they start when first needed and end when idle.
 */
final class LanePool implements AutoCloseable {
    private static final int THREADS = 4;
    private static final long IDLE_SECONDS = 60;
    private static final long CLOSE_SECONDS = 60;

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

    /** Waits for calls under way: a descriptor must not be closed under them. */
    @Override
    public void close() {
        threads.shutdown();
        try {
            threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
