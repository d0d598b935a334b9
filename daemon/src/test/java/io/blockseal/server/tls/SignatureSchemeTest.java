package io.blockseal.server.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.OpenSslAsyncPrivateKeyMethod;
import java.security.NoSuchAlgorithmException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SignatureSchemeTest {
    /** The numbers are BoringSSL's own, and not there before it is. */
    @BeforeAll
    static void library() {
        OpenSsl.ensureAvailability();
    }

    /** Handshakes with keys of every kind are in TlsTest; these are the numbers in which BoringSSL asks. */
    @Test
    void hasTheNumbersOfTls() throws Exception {
        assertEquals(OpenSslAsyncPrivateKeyMethod.SSL_SIGN_RSA_PKCS1_SHA256, SignatureScheme.RSA_PKCS1_SHA256.code());
        assertEquals(OpenSslAsyncPrivateKeyMethod.SSL_SIGN_RSA_PKCS1_SHA384, SignatureScheme.RSA_PKCS1_SHA384.code());
        assertEquals(OpenSslAsyncPrivateKeyMethod.SSL_SIGN_RSA_PKCS1_SHA512, SignatureScheme.RSA_PKCS1_SHA512.code());
        assertEquals(
                OpenSslAsyncPrivateKeyMethod.SSL_SIGN_ECDSA_SECP256R1_SHA256,
                SignatureScheme.ECDSA_SECP256R1_SHA256.code());
        assertEquals(
                OpenSslAsyncPrivateKeyMethod.SSL_SIGN_ECDSA_SECP384R1_SHA384,
                SignatureScheme.ECDSA_SECP384R1_SHA384.code());
        assertEquals(
                OpenSslAsyncPrivateKeyMethod.SSL_SIGN_ECDSA_SECP521R1_SHA512,
                SignatureScheme.ECDSA_SECP521R1_SHA512.code());
        assertEquals(
                OpenSslAsyncPrivateKeyMethod.SSL_SIGN_RSA_PSS_RSAE_SHA256, SignatureScheme.RSA_PSS_RSAE_SHA256.code());
        assertEquals(
                OpenSslAsyncPrivateKeyMethod.SSL_SIGN_RSA_PSS_RSAE_SHA384, SignatureScheme.RSA_PSS_RSAE_SHA384.code());
        assertEquals(
                OpenSslAsyncPrivateKeyMethod.SSL_SIGN_RSA_PSS_RSAE_SHA512, SignatureScheme.RSA_PSS_RSAE_SHA512.code());
        for (SignatureScheme scheme : SignatureScheme.values()) {
            assertEquals(scheme, SignatureScheme.of(scheme.code()));
        }
    }

    @Test
    void knowsNoneWithSha1() {
        assertThrows(
                NoSuchAlgorithmException.class,
                () -> SignatureScheme.of(OpenSslAsyncPrivateKeyMethod.SSL_SIGN_ECDSA_SHA1));
        assertThrows(
                NoSuchAlgorithmException.class,
                () -> SignatureScheme.of(OpenSslAsyncPrivateKeyMethod.SSL_SIGN_RSA_PKCS1_SHA1));
    }
}
