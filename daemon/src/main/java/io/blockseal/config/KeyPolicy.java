package io.blockseal.config;

import java.time.Duration;

/**
 * When the daemon gives ranges of a volume new DEKs by itself.
 *
 * @param ageMax how old a DEK may become; {@link #ANY_AGE} for as old as it likes
 * @param bytesMax how much may be enciphered under a DEK, or {@link Long#MAX_VALUE}
 * @param bytesPerSecond how much such a rotation copies in a second at most; {@link Long#MAX_VALUE} for as fast as it goes
 * @param pollSeconds how often it is looked
 */
public record KeyPolicy(Duration ageMax, long bytesMax, long bytesPerSecond, int pollSeconds) {
    /** How often it is looked, unless the file says otherwise. */
    public static final int POLL_SECONDS = 3600;

    /** Stands for no limit. */
    public static final Duration ANY_AGE = Duration.ZERO;

    /** How fast it copies, unless the file says otherwise: nobody waits for it, and guests should not notice. */
    public static final long BYTES_PER_SECOND = 50L << 20;

    /** Nothing is rotated but what an operator says. */
    public static final KeyPolicy NONE = new KeyPolicy(ANY_AGE, Long.MAX_VALUE, BYTES_PER_SECOND, POLL_SECONDS);

    /** The shortest {@link #ageMax} that makes sense with the shortest pause between two looks. */
    static final Duration AGE_LEAST = Duration.ofHours(1);

    /** The least {@link #bytesMax}: below it the daemon would write its counts down all the time. */
    static final long BYTES_LEAST = 1L << 30;

    /** A rotation enciphers a whole range, and what guests change meanwhile once more. */
    private static final int RANGES_LEAST = 16;

    /** Whether there is anything to look for. */
    public boolean isWanted() {
        return limitsAge() || limitsBytes();
    }

    /** Whether a DEK may become too old. */
    public boolean limitsAge() {
        return !ageMax.isZero();
    }

    /** Whether too much may be enciphered under a DEK. */
    public boolean limitsBytes() {
        return bytesMax != Long.MAX_VALUE;
    }

    /** The least {@link #bytesMax} for ranges of that size: else a rotation would soon ask for the next one. */
    public static long bytesLeast(long rangeBytes) {
        return Math.max(BYTES_LEAST, RANGES_LEAST * rangeBytes);
    }

    /** How much of what was enciphered under a DEK may be forgotten in a crash: little against {@link #bytesMax}. */
    public long bytesForgettable() {
        return bytesMax / RANGES_LEAST;
    }
}
