package io.blockseal.server.tls;

import io.blockseal.export.ClientIdentity;
import io.blockseal.metrics.TlsFailure;

/** How a TLS handshake ended; goes through the pipeline as an event, once. */
public sealed interface TlsOutcome {
    /**
     * Everything from now on is protected.
     *
     * @param version as in {@code TLSv1.3}
     * @param cipher the cipher suite, by its name in the standard
     * @param client who it is
     */
    record Secured(String version, String cipher, ClientIdentity client) implements TlsOutcome {}

    /**
     * It did not come about; the connection is being closed.
     *
     * @param reason of which kind
     * @param detail in the library's words, printable
     */
    record Failed(TlsFailure reason, String detail) implements TlsOutcome {}
}
