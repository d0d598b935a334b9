package io.blockseal.control;

/** Arguments that make no sense; the message says which and what is expected. */
public final class ArgumentException extends Exception {
    private static final long serialVersionUID = 1L;

    /** Refused for that reason. */
    public ArgumentException(String message) {
        super(message);
    }

    ArgumentException(String message, Throwable cause) {
        super(message, cause);
    }
}
