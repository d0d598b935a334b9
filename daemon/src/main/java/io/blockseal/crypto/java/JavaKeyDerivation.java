package io.blockseal.crypto.java;

import io.blockseal.crypto.KeyDerivation;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.util.Arrays;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** HMAC-SHA-256 of the JDK, and HKDF (RFC 5869) of one output block from it. */
final class JavaKeyDerivation implements KeyDerivation {
    static final int HASH_BYTES = 32;

    private static final String HMAC = "HmacSHA256";
    /** The counter byte after the info of the first and only output block. */
    private static final byte[] FIRST_BLOCK = {1};
    /** RFC 5869, 2.2: no salt means a salt of zeros as long as the hash. */
    private static final byte[] NO_SALT = new byte[HASH_BYTES];

    private final HeapKeyArena keys;

    JavaKeyDerivation(HeapKeyArena keys) {
        this.keys = keys;
    }

    @Override
    public void hkdf(int inputKey, byte[] salt, byte[] info, int outputKey) {
        byte[] output = derive(inputKey, salt, info);
        try {
            keys.fill(outputKey, output, 0, output.length);
        } finally {
            Arrays.fill(output, (byte) 0);
        }
    }

    @Override
    public byte[] hkdfPublic(int inputKey, byte[] salt, byte[] info, int lengthBytes) {
        if (lengthBytes < 1 || lengthBytes > HASH_BYTES) {
            throw new IllegalArgumentException("1 to 32 bytes can be derived, not " + lengthBytes);
        }
        byte[] output = derive(inputKey, salt, info);
        try {
            return Arrays.copyOf(output, lengthBytes);
        } finally {
            Arrays.fill(output, (byte) 0);
        }
    }

    @Override
    public byte[] hmac(int key, byte[]... pieces) {
        return hmac(keys.filled(key).as(HMAC), pieces);
    }

    @Override
    public byte[] hmac(int key, List<ByteBuffer> pieces) {
        Mac mac = mac(keys.filled(key).as(HMAC));
        pieces.forEach(piece -> mac.update(piece.duplicate()));
        return mac.doFinal();
    }

    private byte[] derive(int inputKey, byte[] salt, byte[] info) {
        HeapKey input = keys.filled(inputKey);
        byte[] inputBytes = input.copy();
        byte[] extracted = hmac(new SecretKeySpec(salt.length == 0 ? NO_SALT : salt, HMAC), inputBytes);
        Arrays.fill(inputBytes, (byte) 0);
        HeapKey pseudorandom = new HeapKey(0);
        pseudorandom.fill(extracted, 0, extracted.length);
        Arrays.fill(extracted, (byte) 0);
        try {
            return expand(pseudorandom, info);
        } finally {
            pseudorandom.clear();
        }
    }

    /** HKDF-Expand to one block: 32 bytes, which the caller wipes. */
    static byte[] expand(HeapKey pseudorandomKey, byte[] info) {
        return hmac(pseudorandomKey.as(HMAC), info, FIRST_BLOCK);
    }

    private static byte[] hmac(Key key, byte[]... pieces) {
        Mac mac = mac(key);
        for (byte[] piece : pieces) {
            mac.update(piece);
        }
        return mac.doFinal();
    }

    private static Mac mac(Key key) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(key);
            return mac;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no HMAC-SHA-256", e);
        }
    }
}
