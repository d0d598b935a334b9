package io.blockseal.metrics;

import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A figure that takes some work, and is made anew only when what is remembered of it is older than some seconds: however
 * many scrapers come, and however often. On the thread of whoever asks; not for several.
 */
public final class Remembered<T> {
    private final long nanosMax;
    private final LongSupplier nanoClock;
    private @Nullable T value;
    private long madeNanos;

    /** {@code nanoClock} measures how old it is. */
    public Remembered(long nanosMax, LongSupplier nanoClock) {
        this.nanosMax = nanosMax;
        this.nanoClock = nanoClock;
    }

    /** What is remembered, or what {@code maker} makes now. */
    public T get(Supplier<T> maker) {
        T known = value;
        if (known != null && nanoClock.getAsLong() - madeNanos < nanosMax) {
            return known;
        }
        T made = maker.get();
        value = made;
        madeNanos = nanoClock.getAsLong();
        return made;
    }
}
