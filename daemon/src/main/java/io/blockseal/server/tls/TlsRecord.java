package io.blockseal.server.tls;

/**
 * Goes through the pipeline as an event for each record after the handshake, so that whoever shares out the loop's time
 * knows what deciphering took of it, even if nothing came out.
 */
public enum TlsRecord {
    /** One more is done; its data, if it had any, came before or come next. */
    DECIPHERED
}
