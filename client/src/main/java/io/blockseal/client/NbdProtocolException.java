package io.blockseal.client;

/** The server broke the protocol. The connection is lost with it: nothing behind the breach can be trusted. */
public final class NbdProtocolException extends NbdClientException {
    private static final long serialVersionUID = 1;

    /** The message says what came and what should have come. */
    public NbdProtocolException(String message) {
        super(message, null);
    }
}
