package io.blockseal.server.tls;

import io.netty.handler.ssl.OpenSslAsyncPrivateKeyMethod;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.ImmediateEventExecutor;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLHandshakeException;

/**
 * Signs for BoringSSL, which asks for it in the midst of a handshake and is answered on a thread for arithmetic, never on a
 * loop. The key stays with Java. Netty's engine is free meanwhile, so that a loop may close it: with the other kind of
 * method a client that hangs up would have its loop wait for the signature.
 */
final class ServerSignature implements OpenSslAsyncPrivateKeyMethod {
    private final PrivateKey key;

    ServerSignature(PrivateKey key) {
        this.key = key;
    }

    @Override
    public Future<byte[]> sign(SSLEngine engine, int signatureAlgorithm, byte[] input) {
        try {
            return ImmediateEventExecutor.INSTANCE.newSucceededFuture(
                    SignatureScheme.of(signatureAlgorithm).sign(key, input));
        } catch (GeneralSecurityException | RuntimeException failed) {
            return ImmediateEventExecutor.INSTANCE.newFailedFuture(failed);
        }
    }

    /** Of the suites that we take none has a client encipher anything for our key. */
    @Override
    public Future<byte[]> decrypt(SSLEngine engine, byte[] input) {
        return ImmediateEventExecutor.INSTANCE.newFailedFuture(new SSLHandshakeException("no suite of ours needs it"));
    }
}
