package io.blockseal.store.file;

import io.blockseal.block.HotPath;
import java.util.Arrays;
import java.util.function.LongSupplier;

/**
 * Whether large calls go faster beside the loop than on it. Beside it they are made while the loop receives, deciphers and
 * sends; on it what was just read is still in the cache of the processor that sends it, and nobody has to be woken. Which of
 * them counts for more depends on the machine and on how busy it is, so it is tried: while calls are dense, windows of both
 * ways take turns, and the loop keeps them unless they are clearly faster beside it, which takes more of the processors.
 *
 * <p>What is found holds until the next trial: each after twice as long, but soon where the last has changed the way. On the
 * loop's thread.
 */
@HotPath("asked for each large READ and WRITE that a loop could make itself")
final class SideTrial {
    /** So many calls are still of the way before. */
    static final int SETTLING_CALLS = 16;
    /** With those. */
    static final int WINDOW_CALLS = 64;
    /** So many windows of each way make a trial. */
    static final int WINDOWS = 5;
    /** With calls that are so few it makes no difference. */
    static final long THIN_NANOS = 100_000_000;
    /** Beside the loop they have to be faster by one part in so many. */
    static final int GAIN_PARTS = 20;

    static final long TRIAL_EVERY_NANOS_MIN = 500_000_000;
    static final long TRIAL_EVERY_NANOS_MAX = 4_000_000_000L;

    private final LongSupplier clock;
    private boolean aside = true;
    private boolean trying;
    /** The way of this window of a trial. */
    private boolean triesAside;

    private int windows;
    private final long[] ratesAside = new long[WINDOWS];
    private final long[] ratesOnLoop = new long[WINDOWS];

    private int calls;
    private long bytes;
    private long windowBegan;
    private long nextTrial;
    private long trialEvery = TRIAL_EVERY_NANOS_MIN;

    /** By a clock that tells nanoseconds, as {@link System#nanoTime}. */
    SideTrial(LongSupplier clock) {
        this.clock = clock;
        this.nextTrial = clock.getAsLong();
    }

    /**
     * Whether a call of so many bytes is to be made beside the loop if it can be. Counts it: to be asked for each large call,
     * whoever makes it in the end.
     */
    boolean isAside(long lengthBytes) {
        calls++;
        if (calls == SETTLING_CALLS) {
            windowBegan = clock.getAsLong();
            bytes = 0;
        } else if (calls > SETTLING_CALLS) {
            bytes += lengthBytes;
            if (calls == WINDOW_CALLS) {
                calls = 0;
                endWindow(clock.getAsLong());
            }
        }
        return trying ? triesAside : aside;
    }

    private void endWindow(long now) {
        long lasted = Math.max(1, now - windowBegan);
        if (lasted >= THIN_NANOS) {
            // What is known stays; whether it is still so is asked when calls are dense again.
            trying = false;
        } else if (trying) {
            note(bytes * 1000 / lasted, now);
        } else if (now - nextTrial >= 0) {
            trying = true;
            triesAside = aside;
            windows = 0;
        }
    }

    private void note(long rate, long now) {
        (triesAside ? ratesAside : ratesOnLoop)[windows / 2] = rate;
        windows++;
        triesAside = !triesAside;
        if (windows == 2 * WINDOWS) {
            settle(now);
        }
    }

    private void settle(long now) {
        long onLoop = median(ratesOnLoop);
        boolean found = median(ratesAside) > onLoop + onLoop / GAIN_PARTS;
        trialEvery = found == aside ? Math.min(2 * trialEvery, TRIAL_EVERY_NANOS_MAX) : TRIAL_EVERY_NANOS_MIN;
        nextTrial = now + trialEvery;
        aside = found;
        trying = false;
    }

    private static long median(long[] rates) {
        Arrays.sort(rates);
        return rates[rates.length / 2];
    }
}
