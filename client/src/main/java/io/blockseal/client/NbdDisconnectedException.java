package io.blockseal.client;

import org.jspecify.annotations.Nullable;

/** The connection is gone, or going. Whether a write that was under way took effect is not known. */
public final class NbdDisconnectedException extends NbdClientException {
    private static final long serialVersionUID = 1;

    /** The cause is what ended the connection, if something did. */
    public NbdDisconnectedException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
