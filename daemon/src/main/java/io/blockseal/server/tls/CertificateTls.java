package io.blockseal.server.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.OpenSslSessionContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.Executor;
import javax.net.ssl.SSLException;

/**
 * TLS by certificates: ours, and those of clients where authorities for them are given. TLS 1.3 and 1.2 only, and of 1.2
 * only suites with forward secrecy and authenticated encryption; a session is never negotiated anew. From any thread.
 */
public final class CertificateTls {
    static {
        // The JDK reads it once, when TLS is first used in the process. The launcher says it, too.
        if (System.getProperty("jdk.tls.rejectClientInitiatedRenegotiation") == null) {
            System.setProperty("jdk.tls.rejectClientInitiatedRenegotiation", "true");
        }
        // Nor does a client come back by what it was given last time: who it is it proves each time. Netty reads this
        // too.
        if (System.getProperty("jdk.tls.server.enableSessionTicketExtension") == null) {
            System.setProperty("jdk.tls.server.enableSessionTicketExtension", "false");
        }
        // In TLS 1.3 the JDK asks the other side for new keys after 128 GiB (2^37 bytes), with each record until they
        // come. GnuTLS, and so libnbd, nbdkit and QEMU, hangs up at the ninth within a second; and one that is asked
        // while it waits for room in its socket sends the record that waits twice. Who sends changes its own keys in
        // time, as GnuTLS does; ours, like those of OpenSSL and Go, live as long as the connection.
        Security.setProperty("jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate 2^62, ChaCha20-Poly1305 KeyUpdate 2^62");
    }

    private static final List<String> CIPHERS = List.of(
            "TLS_AES_128_GCM_SHA256",
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");

    private final SslContext context;
    private final X509Certificate ours;
    private final TlsLibrary library;

    private CertificateTls(SslContext context, X509Certificate ours, TlsLibrary library) {
        this.context = context;
        this.ours = ours;
        this.library = library;
    }

    /**
     * With these certificates.
     *
     * @param chain ours first, then who signed it
     * @param key of the first of them
     * @param authorities who may sign certificates of clients; empty: clients are not asked for any
     * @param required whether a client without a certificate is turned away
     * @throws SSLException if they do not fit together
     */
    public static CertificateTls of(
            List<X509Certificate> chain, PrivateKey key, List<X509Certificate> authorities, boolean required)
            throws SSLException {
        return of(TlsLibrary.inUseFor(key), chain, key, authorities, required);
    }

    /** Likewise, by that library. */
    public static CertificateTls of(
            TlsLibrary library,
            List<X509Certificate> chain,
            PrivateKey key,
            List<X509Certificate> authorities,
            boolean required)
            throws SSLException {
        SslContextBuilder builder = library.forServer(key, chain)
                .protocols("TLSv1.3", "TLSv1.2")
                .ciphers(CIPHERS, SupportedCipherSuiteFilter.INSTANCE);
        if (!authorities.isEmpty()) {
            builder.trustManager(authorities).clientAuth(required ? ClientAuth.REQUIRE : ClientAuth.OPTIONAL);
        }
        SslContext context = builder.build();
        if (context.sessionContext() instanceof OpenSslSessionContext sessions) {
            // Who a client is it proves each time.
            sessions.setSessionCacheEnabled(false);
        }
        return new CertificateTls(context, chain.get(0), library);
    }

    /** When our own certificate ends, in seconds of Unix time. */
    public long endsAtSeconds() {
        return ours.getNotAfter().toInstant().getEpochSecond();
    }

    /** Who does it. */
    public TlsLibrary library() {
        return library;
    }

    SslHandler newHandler(ByteBufAllocator allocator, Executor arithmetic) {
        return new CertificateHandler(context.newEngine(allocator), arithmetic);
    }
}
