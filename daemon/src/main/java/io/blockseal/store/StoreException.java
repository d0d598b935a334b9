package io.blockseal.store;

import io.blockseal.block.Errno;

/** A store could not do what the control plane asked; the message names the store and says what to do. */
public class StoreException extends Exception {
    private final Errno errno;

    /** What failed, in words for an operator, and its number. */
    public StoreException(Errno errno, String message) {
        super(message);
        this.errno = errno;
    }

    /** Likewise, keeping the cause for DEBUG logs. */
    public StoreException(Errno errno, String message, Throwable cause) {
        super(message, cause);
        this.errno = errno;
    }

    /** The number that a request in the same trouble would carry. */
    public Errno errno() {
        return errno;
    }
}
