package io.blockseal.client;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Something between this client and a server went wrong; the subclasses say what kind of thing. */
public abstract class NbdClientException extends IOException {
    private static final long serialVersionUID = 1;

    NbdClientException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
