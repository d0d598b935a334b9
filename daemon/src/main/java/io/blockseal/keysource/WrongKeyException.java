package io.blockseal.keysource;

/** The key is well-formed but opens nothing here. */
public final class WrongKeyException extends Exception {
    /** What was tried and on what, in words for an operator. */
    public WrongKeyException(String message) {
        super(message);
    }
}
