package io.blockseal.server;

import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsMode;
import org.jspecify.annotations.Nullable;

/**
 * How the connections of one listener are protected.
 *
 * @param mode what is asked of clients
 * @param tls with what; null for {@link TlsMode#OFF} only
 */
public record Protection(TlsMode mode, @Nullable TlsEndpoint tls) {
    /** Not by TLS. */
    public static final Protection NONE = new Protection(TlsMode.OFF, null);

    /** Refuses TLS without anything to do it with. */
    public Protection {
        if ((tls == null) != (mode == TlsMode.OFF)) {
            throw new IllegalArgumentException(
                    "TLS is " + mode + (tls == null ? " without" : " with") + " credentials");
        }
    }
}
