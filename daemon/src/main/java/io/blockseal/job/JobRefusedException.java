package io.blockseal.job;

/** A job cannot be had, or not what is wanted of it; in words that say why and what to do. */
public final class JobRefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Why. */
    public enum Reason {
        /** There is no job of that number, or no longer. */
        UNKNOWN,
        /** Another job on the volume excludes it, or it has ended already. */
        CONFLICT,
        /** There are too many, or the daemon stops, or it could not be remembered. */
        UNAVAILABLE
    }

    private final Reason reason;

    /** Refused because of {@code reason}. */
    public JobRefusedException(Reason reason, String message) {
        super(message);
        this.reason = reason;
    }

    /** Why, for programs. */
    public Reason reason() {
        return reason;
    }
}
