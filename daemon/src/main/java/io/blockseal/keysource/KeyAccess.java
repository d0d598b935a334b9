package io.blockseal.keysource;

import io.blockseal.keysource.KeySourceException.Kind;

/**
 * What the answers of a key source mean, one after the other: only a source that says no, and means it, several times over
 * several minutes has revoked the key; that we do not reach it, or that it does not know us, says nothing. Once it has, only
 * a good answer stops the clock. Pure: time and answers come from outside. On one thread.
 */
public final class KeyAccess {
    /** How things stand. */
    public enum Standing {
        /** The last answer opened the volume. */
        GOOD,
        /** Nobody knows: it is not reached, or its answers make no sense. */
        IN_DOUBT,
        /** It has said no, but not often enough to be sure. */
        REFUSED,
        /** It has said no for good; the volume is served on for a while. */
        GRACE,
        /** And the while is over. */
        REVOKED
    }

    /** How many definite answers in a row make a revocation. */
    public static final int REFUSALS = 3;
    /** From the first of them to the last there must be at least so long. */
    public static final long REFUSALS_MILLIS = 300_000;

    private final long graceMillis;
    private Standing standing = Standing.GOOD;
    private long verifiedAt;
    private int refusals;
    private long refusedSince;
    private long graceUntil;

    /** Of a volume that was opened at {@code nowMillis}. */
    public KeyAccess(long graceMillis, long nowMillis) {
        this.graceMillis = graceMillis;
        this.verifiedAt = nowMillis;
    }

    /** The source has opened the volume: whatever it said before is over. */
    public Standing opened(long nowMillis) {
        verifiedAt = nowMillis;
        refusals = 0;
        standing = Standing.GOOD;
        return standing;
    }

    /** It has not, and why. Doubt makes no revocation; nor does it hold up one that was made. */
    public Standing failed(Kind kind, long nowMillis) {
        if (kind == Kind.REFUSED) {
            refused(nowMillis);
        } else if (refusals == 0) {
            standing = Standing.IN_DOUBT;
        }
        return passed(nowMillis);
    }

    private void refused(long nowMillis) {
        if (refusals == 0) {
            refusedSince = nowMillis;
        }
        refusals++;
        if (standing == Standing.GRACE || standing == Standing.REVOKED) {
            return;
        }
        boolean sure = refusals >= REFUSALS && nowMillis - refusedSince >= REFUSALS_MILLIS;
        standing = sure ? Standing.GRACE : Standing.REFUSED;
        graceUntil = nowMillis + graceMillis;
    }

    /**
     * Time has passed, whether or not the source has answered: the grace ends by the clock. Else whoever cuts the line to
     * the source, once the key is revoked, could use it for ever.
     */
    public Standing passed(long nowMillis) {
        if (standing == Standing.GRACE && nowMillis >= graceUntil) {
            standing = Standing.REVOKED;
        }
        return standing;
    }

    /** How things stand. */
    public Standing standing() {
        return standing;
    }

    /** How many times in a row it has said no. */
    public int refusals() {
        return refusals;
    }

    /** When the source opened the volume last. */
    public long verifiedAt() {
        return verifiedAt;
    }

    /** When the grace time ends; of no meaning before it has begun. */
    public long graceUntil() {
        return graceUntil;
    }
}
