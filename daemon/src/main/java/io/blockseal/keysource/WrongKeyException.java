package io.blockseal.keysource;

import org.jspecify.annotations.Nullable;

/** The key is well-formed but opens nothing here. */
public final class WrongKeyException extends Exception {
    /** What was tried and on what, in words for an operator. */
    public WrongKeyException(String message) {
        super(message);
    }

    /** Likewise, for that reason. */
    public WrongKeyException(String message, @Nullable KeySourceException cause) {
        super(message, cause);
    }

    /** Of a slot that the source at {@code reference} has not made. */
    public static WrongKeyException notWrappedBy(String reference, WrappedKey slot) {
        return new WrongKeyException(reference + " has not wrapped this slot; " + slot.reference() + " has");
    }
}
