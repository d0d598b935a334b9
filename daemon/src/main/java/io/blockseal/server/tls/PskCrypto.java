package io.blockseal.server.tls;

import java.io.IOException;
import java.security.SecureRandom;
import org.bouncycastle.tls.crypto.TlsCipher;
import org.bouncycastle.tls.crypto.TlsCryptoParameters;
import org.bouncycastle.tls.crypto.impl.TlsAEADCipher;
import org.bouncycastle.tls.crypto.impl.bc.BcTlsCrypto;

/**
 * Bouncy Castle's arithmetic for TLS, which keeps secrets in arrays that it wipes, with ciphers from above for the bulk
 * of the bytes: its own AES does not use the processor's instructions.
 */
final class PskCrypto extends BcTlsCrypto {
    private static final int TAG_BYTES = 16;
    private static final int CHACHA_KEY_BYTES = 32;

    private final RecordCiphers ciphers;

    PskCrypto(SecureRandom random, RecordCiphers ciphers) {
        super(random);
        this.ciphers = ciphers;
    }

    @Override
    protected TlsAEADCipher createCipher_AES_GCM(TlsCryptoParameters parameters, int keyBytes, int tagBytes)
            throws IOException {
        return new TlsAEADCipher(
                parameters,
                ciphers.aesGcm().cipher(true),
                ciphers.aesGcm().cipher(false),
                keyBytes,
                tagBytes,
                TlsAEADCipher.AEAD_GCM,
                null);
    }

    @Override
    protected TlsCipher createChaCha20Poly1305(TlsCryptoParameters parameters) throws IOException {
        return new TlsAEADCipher(
                parameters,
                ciphers.chaCha20().cipher(true),
                ciphers.chaCha20().cipher(false),
                CHACHA_KEY_BYTES,
                TAG_BYTES,
                TlsAEADCipher.AEAD_CHACHA20_POLY1305,
                null);
    }
}
