package io.blockseal.volume.metadata;

/** Runs something later; so that a test can be the one who says when later is. */
@FunctionalInterface
public interface RetryTimer {
    /** Later never comes: for commands that end by themselves. */
    RetryTimer NEVER = (delayMillis, task) -> {};

    /** Runs {@code task}, which does not block, on some thread after {@code delayMillis}. Never blocks. */
    void schedule(long delayMillis, Runnable task);
}
