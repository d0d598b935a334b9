package io.blockseal.keysource;

/** A key source could not serve; the message says which, why and what to do, and holds no secret. */
public class KeySourceException extends Exception {
    /** What kind of trouble, which decides whether to try again. */
    public enum Kind {
        /** The source said no, and meant it: disabled, deleted, not permitted. */
        REFUSED,
        /** Too many calls; try later. */
        THROTTLED,
        /** Not reached; try later. */
        UNREACHABLE,
        /** The configuration is wrong: trying again will not help. */
        MISCONFIGURED
    }

    private final Kind kind;

    /** Trouble of {@code kind}, in words for an operator. */
    public KeySourceException(Kind kind, String message) {
        super(message);
        this.kind = kind;
    }

    /** Likewise, keeping the cause for DEBUG logs. */
    public KeySourceException(Kind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
    }

    /** The same trouble, told in other words by whoever knows more; this is its cause. */
    public KeySourceException inWords(String message) {
        return new KeySourceException(kind, message, this);
    }

    /** Whether and how to go on. */
    public Kind kind() {
        return kind;
    }
}
