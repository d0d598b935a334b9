package io.blockseal.server.tls;

import java.security.GeneralSecurityException;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;

/**
 * How BoringSSL may ask us to sign a handshake, with the numbers of TLS and the names of Java. SHA-1 is none of them.
 *
 * <p>Source: RFC 8446, 4.2.3.
 */
enum SignatureScheme {
    RSA_PKCS1_SHA256(0x0401, "SHA256withRSA"),
    RSA_PKCS1_SHA384(0x0501, "SHA384withRSA"),
    RSA_PKCS1_SHA512(0x0601, "SHA512withRSA"),
    ECDSA_SECP256R1_SHA256(0x0403, "SHA256withECDSA"),
    ECDSA_SECP384R1_SHA384(0x0503, "SHA384withECDSA"),
    ECDSA_SECP521R1_SHA512(0x0603, "SHA512withECDSA"),
    RSA_PSS_RSAE_SHA256(0x0804, "RSASSA-PSS", "SHA-256", 32),
    RSA_PSS_RSAE_SHA384(0x0805, "RSASSA-PSS", "SHA-384", 48),
    RSA_PSS_RSAE_SHA512(0x0806, "RSASSA-PSS", "SHA-512", 64);

    private final int code;
    private final String algorithm;
    /** Of PSS; empty otherwise. */
    private final String digest;

    private final int digestBytes;

    SignatureScheme(int code, String algorithm) {
        this(code, algorithm, "", 0);
    }

    SignatureScheme(int code, String algorithm, String digest, int digestBytes) {
        this.code = code;
        this.algorithm = algorithm;
        this.digest = digest;
        this.digestBytes = digestBytes;
    }

    /** The one of that number. */
    static SignatureScheme of(int code) throws NoSuchAlgorithmException {
        for (SignatureScheme scheme : values()) {
            if (scheme.code == code) {
                return scheme;
            }
        }
        throw new NoSuchAlgorithmException("no signature scheme of ours: 0x" + Integer.toHexString(code));
    }

    /** The number in TLS. */
    int code() {
        return code;
    }

    /** The signature of what {@code message} says. From any thread. */
    byte[] sign(PrivateKey key, byte[] message) throws GeneralSecurityException {
        Signature signature = Signature.getInstance(algorithm);
        if (!digest.isEmpty()) {
            // The salt is as long as the digest.
            signature.setParameter(new PSSParameterSpec(
                    digest, "MGF1", new MGF1ParameterSpec(digest), digestBytes, PSSParameterSpec.TRAILER_FIELD_BC));
        }
        signature.initSign(key);
        signature.update(message);
        return signature.sign();
    }
}
