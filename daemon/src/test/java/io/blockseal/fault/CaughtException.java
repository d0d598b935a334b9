package io.blockseal.fault;

/** A planted bug was found: there is no need to try the rest of its states. The message says where and what was seen. */
final class CaughtException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CaughtException(String message) {
        super(message);
    }
}
