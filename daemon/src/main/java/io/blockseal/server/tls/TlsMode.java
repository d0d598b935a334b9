package io.blockseal.server.tls;

/** What one listener has to do with TLS; the specification's words are in brackets. */
public enum TlsMode {
    /** It has none (NOTLS). */
    OFF,
    /** Who asks for it gets it (SELECTIVETLS, without an export that insists on it). */
    OPTIONAL,
    /** Nothing else is answered before it (FORCEDTLS). */
    REQUIRED
}
