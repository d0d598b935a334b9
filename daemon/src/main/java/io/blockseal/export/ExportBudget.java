package io.blockseal.export;

import io.blockseal.block.HotPath;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the clients of an export may ask of it in a second, all together: so many requests, so many bytes. Two token
 * buckets, each kept as the moment until which it is spent: a request moves it on by its own cost, and has to wait while
 * it lies more than {@link #BURST_NANOS} ahead. So a pause of that length saves up a burst, and a request that is larger
 * than all that is left is let through and paid off afterwards. From any thread; no lock, no allocation.
 */
@HotPath("asked for every request of an export that has a limit")
public final class ExportBudget {
    /** How much of a quiet time may be made up for at once. */
    public static final long BURST_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /** No limit at all. */
    public static final ExportBudget UNLIMITED = new ExportBudget(0, 0);

    private final double nanosPerRequest;
    private final double nanosPerByte;
    private final AtomicLong requestsSpentUntil = new AtomicLong(Long.MIN_VALUE);
    private final AtomicLong bytesSpentUntil = new AtomicLong(Long.MIN_VALUE);

    /** So many of each in a second; 0 for any number. */
    public ExportBudget(long requestsPerSecond, long bytesPerSecond) {
        nanosPerRequest = requestsPerSecond == 0 ? 0 : 1e9 / requestsPerSecond;
        nanosPerByte = bytesPerSecond == 0 ? 0 : 1e9 / bytesPerSecond;
    }

    /** Whether there is anything to ask for. */
    public boolean isLimited() {
        return nanosPerRequest > 0 || nanosPerByte > 0;
    }

    /**
     * Takes a request of so many bytes out of both buckets, if neither is empty.
     *
     * @param nowNanos of {@link System#nanoTime}
     * @return 0 if it may begin; else after how many nanoseconds to ask again, and nothing was taken
     */
    public long take(long bytes, long nowNanos) {
        long wait = Math.max(
                wait(requestsSpentUntil, nanosPerRequest, nowNanos), wait(bytesSpentUntil, nanosPerByte, nowNanos));
        if (wait > 0) {
            return wait;
        }
        spend(requestsSpentUntil, nanosPerRequest, nowNanos);
        spend(bytesSpentUntil, nanosPerByte * bytes, nowNanos);
        return 0;
    }

    private static long wait(AtomicLong spentUntil, double cost, long now) {
        long until = spentUntil.get();
        return cost == 0 || until == Long.MIN_VALUE ? 0 : Math.max(0, until - now - BURST_NANOS);
    }

    private static void spend(AtomicLong spentUntil, double cost, long now) {
        if (cost == 0) {
            return;
        }
        while (true) {
            long until = spentUntil.get();
            long from = until == Long.MIN_VALUE || until - now < 0 ? now : until;
            if (spentUntil.compareAndSet(until, from + (long) cost)) {
                return;
            }
        }
    }
}
