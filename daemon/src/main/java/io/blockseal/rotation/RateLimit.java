package io.blockseal.rotation;

import java.util.function.LongSupplier;

/**
 * A bucket of bytes that fills at a fixed rate and holds a tenth of a second's worth: says how long to wait before the
 * next bytes may be moved. Not for several threads.
 */
public final class RateLimit {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double BUCKET_SECONDS = 0.1;

    private final long bytesPerSecond;
    private final double bytesPerNano;
    private final double bucketBytes;
    private final LongSupplier nanoClock;
    private double bytes;
    private long lastNanos;

    /** {@code bytesPerSecond} is at least 1; {@link Long#MAX_VALUE} for as fast as it goes. */
    public RateLimit(long bytesPerSecond, LongSupplier nanoClock) {
        if (bytesPerSecond < 1) {
            throw new IllegalArgumentException("a rate is at least 1 byte a second, not " + bytesPerSecond);
        }
        this.bytesPerSecond = bytesPerSecond;
        this.bytesPerNano = bytesPerSecond / NANOS_PER_SECOND;
        this.bucketBytes = bytesPerSecond * BUCKET_SECONDS;
        this.nanoClock = nanoClock;
        this.bytes = bucketBytes;
        this.lastNanos = nanoClock.getAsLong();
    }

    /** What it was made with. */
    long bytesPerSecond() {
        return bytesPerSecond;
    }

    /**
     * Takes {@code count} bytes out of the bucket, which may then owe some.
     *
     * @return how long to wait before they are moved, in nanoseconds; 0 for not at all
     */
    public long take(long count) {
        long now = nanoClock.getAsLong();
        bytes = Math.min(bucketBytes, bytes + (now - lastNanos) * bytesPerNano);
        lastNanos = now;
        bytes -= count;
        return bytes >= 0 ? 0 : (long) (-bytes / bytesPerNano);
    }
}
