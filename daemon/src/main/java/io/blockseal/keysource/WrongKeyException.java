package io.blockseal.keysource;

/** The key is well-formed but opens nothing here. */
public final class WrongKeyException extends Exception {
    /** What was tried and on what, in words for an operator. */
    public WrongKeyException(String message) {
        super(message);
    }

    /** Of a slot that the source at {@code reference} has not made. */
    public static WrongKeyException notWrappedBy(String reference, WrappedKey slot) {
        return new WrongKeyException(reference + " has not wrapped this slot; " + slot.reference() + " has");
    }
}
