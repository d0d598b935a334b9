package io.blockseal.metrics;

import java.util.concurrent.atomic.LongAdder;

/**
 * How far the rotation of DEKs is that one volume has now or had last, and what all of them did since it was opened.
 * Written by whoever rotates, one at a time; looked at from any thread.
 */
public final class RotationMetrics {
    /** Of {@link Standing#sinceSeconds} while there was no rotation. */
    public static final long NEVER = Long.MAX_VALUE;

    /**
     * A rotation at one moment.
     *
     * @param active whether it is under way, be it that it waits
     * @param rangesDone how many of the ranges that were selected are behind it
     * @param rangesTotal how many were selected
     * @param bytesPerSecond how many bytes it may copy in a second; {@link Long#MAX_VALUE} for as many as possible
     * @param sinceSeconds DEKs made at this second of Unix time or later are as new as it wants them; or {@link #NEVER}
     */
    public record Standing(boolean active, long rangesDone, long rangesTotal, long bytesPerSecond, long sinceSeconds) {}

    private final LongAdder rangesRotated = new LongAdder();
    private final LongAdder copiedBytes = new LongAdder();
    private final LongAdder failures = new LongAdder();
    private volatile Standing standing = new Standing(false, 0, 0, Long.MAX_VALUE, NEVER);

    /** Begins with {@code rangesTotal} ranges; the rest as in {@link Standing}. */
    public void begin(long rangesTotal, long bytesPerSecond, long sinceSeconds) {
        standing = new Standing(true, 0, rangesTotal, bytesPerSecond, sinceSeconds);
    }

    /** So many of the ranges that were selected are done with, whatever came of them. */
    public void done(long ranges) {
        Standing was = standing;
        standing = new Standing(true, ranges, was.rangesTotal(), was.bytesPerSecond(), was.sinceSeconds());
    }

    /** It has ended, well or not. */
    public void end() {
        Standing was = standing;
        standing = new Standing(false, was.rangesDone(), was.rangesTotal(), was.bytesPerSecond(), was.sinceSeconds());
    }

    /** A range has a new DEK. */
    public void rotated() {
        rangesRotated.increment();
    }

    /** A range keeps its DEK, as the storage failed. */
    public void failed() {
        failures.increment();
    }

    /** So much was copied. */
    public void copied(long bytes) {
        copiedBytes.add(bytes);
    }

    /** How far it is. */
    public Standing standing() {
        return standing;
    }

    /** How many ranges got new DEKs by rotation. */
    public long rangesRotated() {
        return rangesRotated.sum();
    }

    /** How many ranges could not be rotated. */
    public long failures() {
        return failures.sum();
    }

    /** How much was copied, what guests changed meanwhile counted again. */
    public long copiedBytes() {
        return copiedBytes.sum();
    }
}
