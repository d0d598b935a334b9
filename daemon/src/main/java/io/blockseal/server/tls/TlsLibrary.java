package io.blockseal.server.tls;

import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.OpenSslX509KeyManagerFactory;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLException;

/** Who speaks TLS by certificates. docs/decisions/0017 has what each of them gives. From any thread. */
public enum TlsLibrary {
    /** BoringSSL, as Netty builds it. */
    BORINGSSL("boringssl") {
        @Override
        SslContextBuilder forServer(PrivateKey key, List<X509Certificate> chain) throws SSLException {
            try {
                // It has no key, and asks for each signature: one of RSA takes milliseconds, which a loop has not.
                return SslContextBuilder.forServer(
                                OpenSslX509KeyManagerFactory.newKeyless(chain.toArray(new X509Certificate[0])))
                        .sslProvider(SslProvider.OPENSSL)
                        .option(OpenSslContextOption.ASYNC_PRIVATE_KEY_METHOD, new ServerSignature(key));
            } catch (Exception unfit) { // It declares no other.
                throw new SSLException("the certificate cannot be used: " + unfit.getMessage(), unfit);
            }
        }
    },

    /** Java's own, where there is no BoringSSL for the machine, or it is not wanted. */
    JAVA("java") {
        @Override
        SslContextBuilder forServer(PrivateKey key, List<X509Certificate> chain) {
            return SslContextBuilder.forServer(key, chain).sslProvider(SslProvider.JDK);
        }
    };

    private final String word;

    TlsLibrary(String word) {
        this.word = word;
    }

    /** What the log calls it. */
    public String word() {
        return word;
    }

    /** Which of them does it in this process; {@code -Dio.netty.handler.ssl.noOpenSsl=true} leaves it to Java. */
    public static TlsLibrary inUse() {
        return OpenSsl.isAvailable() && "BoringSSL".equals(OpenSsl.versionString()) ? BORINGSSL : JAVA;
    }

    /** Likewise for a certificate with that key: of Edwards curves BoringSSL is not asked to sign by Netty. */
    static TlsLibrary inUseFor(PrivateKey key) {
        return key.getAlgorithm().startsWith("Ed") ? JAVA : inUse();
    }

    /** With our certificate first in the chain, and its key. */
    abstract SslContextBuilder forServer(PrivateKey key, List<X509Certificate> chain) throws SSLException;
}
