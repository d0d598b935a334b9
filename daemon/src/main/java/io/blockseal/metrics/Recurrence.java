package io.blockseal.metrics;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Something that may happen any number of times and that the log is to tell of: the first time at once, and while it goes
 * on at most once a minute, with how often it was. From any thread; takes no lock and allocates nothing.
 */
public final class Recurrence {
    /** How long nothing is told after something was. */
    public static final long PAUSE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private static final long NEVER = 0;

    private final LongSupplier nanoTime;
    private final AtomicLong untold = new AtomicLong();
    private final AtomicLong told = new AtomicLong(NEVER);

    /** {@code nanoTime} as {@link System#nanoTime}. */
    public Recurrence(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
    }

    /** It happens once more. How many times there are to tell of now, this one among them; 0 if it is not time. */
    public long count() {
        untold.incrementAndGet();
        long last = told.get();
        // Odd, and so never NEVER.
        long now = nanoTime.getAsLong() | 1;
        boolean due = last == NEVER || now - last >= PAUSE_NANOS;
        // Who comes second is told of next time.
        return due && told.compareAndSet(last, now) ? untold.getAndSet(0) : 0;
    }
}
