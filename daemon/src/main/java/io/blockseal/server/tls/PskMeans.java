package io.blockseal.server.tls;

/**
 * With what TLS by pre-shared keys is done.
 *
 * @param keys those that clients have as well
 * @param ciphers for the bulk of the bytes
 */
public record PskMeans(PresharedKeys keys, RecordCiphers ciphers) {}
