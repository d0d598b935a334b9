package io.blockseal.transfer;

/** A transfer was refused, or could not be finished; the message is for an operator and says what to do. */
public final class TransferException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Kind kind;

    /** What a caller may want to tell apart. */
    public enum Kind {
        /** What was asked for cannot be: too small, not empty, nothing to go on with. Nothing was written. */
        REFUSED,
        /** One of the two ends failed on the way. What was copied by then stays. */
        BROKEN,
        /** Everything was copied, but what is read back is not what was read first. */
        DIFFERENT
    }

    /** In words for an operator. */
    public TransferException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /** Likewise, keeping the cause for DEBUG logs. */
    public TransferException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** Which kind it is. */
    public Kind kind() {
        return kind;
    }
}
