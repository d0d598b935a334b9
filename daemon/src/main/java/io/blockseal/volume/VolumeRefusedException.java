package io.blockseal.volume;

/** Nothing is broken, but going on might harm data or trust; the message says why and what to do. Nothing was changed. */
public final class VolumeRefusedException extends Exception {
    /** Why. */
    public enum Reason {
        /** The volume key is another one than this host remembers, or the configuration expects. */
        IDENTITY,
        /** The metadata, or part of it, was put back from an older copy: the anchor or the table root says so. */
        ROLLBACK,
        /** A commit was cut short and the page it replaced is damaged too. */
        UNFINISHED_COMMIT,
        /** A newer release wrote it. */
        UNKNOWN_FEATURE,
        /** Two ranges claim one slot, or a slot lies outside the data area. */
        SLOT_CONFLICT,
        /** The store holds something already. */
        NOT_EMPTY,
        /** The options do not fit each other or the store. */
        UNSUITABLE,
        /** Data would be lost that nobody has said may be. */
        DATA_LOSS,
        /** The last key slot would go. */
        LAST_KEY_SLOT,
        /** The volume is read-only, closed, or its metadata failed. */
        NOT_WRITABLE
    }

    private final Reason reason;

    /** {@code message} is for an operator. */
    public VolumeRefusedException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** Why. */
    public Reason reason() {
        return reason;
    }
}
