package io.blockseal.volume.metadata;

/**
 * When recovery is tried again: at growing intervals, one attempt at a time, until it succeeds. From any thread.
 */
final class RecoverySchedule {
    private static final long MILLIS_MIN = 1_000;
    private static final long MILLIS_MAX = 60_000;

    private final RetryTimer timer;
    private final Runnable whenDue;
    private boolean pending;
    private long millis = MILLIS_MIN;

    /** {@code whenDue} is called on the timer's thread, and calls {@link #begun} when the attempt begins or cannot be. */
    RecoverySchedule(RetryTimer timer, Runnable whenDue) {
        this.timer = timer;
        this.whenDue = whenDue;
    }

    /** An attempt is to be made; one that is awaited already is enough. */
    void want() {
        long delay;
        synchronized (this) {
            if (pending) {
                return;
            }
            pending = true;
            delay = millis;
            millis = Math.min(2 * millis, MILLIS_MAX);
        }
        timer.schedule(delay, whenDue);
    }

    /** The attempt that was awaited is being made. */
    synchronized void begun() {
        pending = false;
    }

    /** All is well: the next trouble is looked at soon again. */
    synchronized void startOver() {
        millis = MILLIS_MIN;
    }
}
