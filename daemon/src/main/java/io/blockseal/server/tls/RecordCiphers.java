package io.blockseal.server.tls;

import org.bouncycastle.tls.crypto.impl.TlsAEADCipherImpl;

/**
 * Where the ciphers for TLS with pre-shared keys come from.
 *
 * @param aesGcm AES-GCM
 * @param chaCha20 ChaCha20-Poly1305
 */
public record RecordCiphers(Direction aesGcm, Direction chaCha20) {
    /** Makes one of them. */
    public interface Direction {
        /** For one connection, to encipher or to decipher. */
        TlsAEADCipherImpl cipher(boolean enciphers);
    }
}
