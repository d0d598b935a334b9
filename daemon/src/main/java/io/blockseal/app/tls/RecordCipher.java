package io.blockseal.app.tls;

import io.blockseal.server.tls.RecordCiphers;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.spec.AlgorithmParameterSpec;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.tls.crypto.impl.TlsAEADCipherImpl;

/**
 * A cipher of the JDK that enciphers or deciphers TLS records for Bouncy Castle. The server, which strangers reach first,
 * knows no cipher itself and gets this one handed in. On one thread at a time.
 */
public final class RecordCipher implements TlsAEADCipherImpl {
    private static final int BITS_PER_BYTE = 8;
    private static final int TAG_BYTES = 16;

    /** Both of them, as a server takes them. */
    public static final RecordCiphers BY_THE_JDK = new RecordCiphers(RecordCipher::aesGcm, RecordCipher::chaCha20);

    private final Cipher cipher;
    private final String algorithm;
    private final int mode;
    private SecretKeySpec key;

    private RecordCipher(String transformation, String algorithm, boolean enciphers) {
        try {
            this.cipher = Cipher.getInstance(transformation);
        } catch (GeneralSecurityException absent) {
            throw new IllegalStateException(transformation + " is a part of every JDK", absent);
        }
        this.algorithm = algorithm;
        this.mode = enciphers ? Cipher.ENCRYPT_MODE : Cipher.DECRYPT_MODE;
        // Until the library gives it one.
        this.key = new SecretKeySpec(new byte[TAG_BYTES], algorithm);
    }

    /** AES-GCM, with keys of either length. */
    public static RecordCipher aesGcm(boolean enciphers) {
        return new RecordCipher("AES/GCM/NoPadding", "AES", enciphers);
    }

    /** ChaCha20-Poly1305. */
    public static RecordCipher chaCha20(boolean enciphers) {
        return new RecordCipher("ChaCha20-Poly1305", "ChaCha20", enciphers);
    }

    @Override
    public void setKey(byte[] bytes, int offset, int length) {
        key = new SecretKeySpec(bytes, offset, length, algorithm);
    }

    @Override
    public void init(byte[] nonce, int tagBytes) throws IOException {
        AlgorithmParameterSpec parameters = algorithm.equals("AES")
                ? new GCMParameterSpec(tagBytes * BITS_PER_BYTE, nonce)
                : new IvParameterSpec(nonce);
        try {
            cipher.init(mode, key, parameters);
        } catch (GeneralSecurityException refused) {
            throw new IOException("the JDK does not take a key or nonce of TLS", refused);
        }
    }

    @Override
    public int getOutputSize(int inputBytes) {
        return mode == Cipher.ENCRYPT_MODE ? inputBytes + TAG_BYTES : Math.max(0, inputBytes - TAG_BYTES);
    }

    @Override
    public int doFinal(byte[] associated, byte[] in, int inAt, int inBytes, byte[] out, int outAt) {
        try {
            cipher.updateAAD(associated);
            return cipher.doFinal(in, inAt, inBytes, out, outAt);
        } catch (GeneralSecurityException forged) {
            // The library takes this kind of exception for a record that somebody has changed.
            throw new IllegalStateException("the record's tag is wrong", forged);
        }
    }
}
