package io.blockseal.server.tls;

import io.netty.handler.ssl.OpenSslPrivateKeyMethod;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLHandshakeException;

/**
 * Signs for BoringSSL, which asks for it in the midst of a handshake and is answered on a thread for arithmetic, never on a
 * loop. The key stays with Java.
 */
final class ServerSignature implements OpenSslPrivateKeyMethod {
    private final PrivateKey key;

    ServerSignature(PrivateKey key) {
        this.key = key;
    }

    @Override
    public byte[] sign(SSLEngine engine, int signatureAlgorithm, byte[] input) throws GeneralSecurityException {
        return SignatureScheme.of(signatureAlgorithm).sign(key, input);
    }

    /** Of the suites that we take none has a client encipher anything for our key. */
    @Override
    public byte[] decrypt(SSLEngine engine, byte[] input) throws SSLHandshakeException {
        throw new SSLHandshakeException("no suite of ours needs it");
    }
}
