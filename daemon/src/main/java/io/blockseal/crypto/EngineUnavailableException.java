package io.blockseal.crypto;

/** The engine that was asked for cannot run here; the message says why and what to do. */
public final class EngineUnavailableException extends Exception {
    /** In words for an operator. */
    public EngineUnavailableException(String message) {
        super(message);
    }
}
