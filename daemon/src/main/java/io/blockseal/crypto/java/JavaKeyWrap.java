package io.blockseal.crypto.java;

import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.KeyWrap;
import io.blockseal.crypto.RandomSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.BadPaddingException;
import javax.crypto.Cipher;
import javax.crypto.IllegalBlockSizeException;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/** AES-256-GCM and AES-256-KWP of the JDK. */
final class JavaKeyWrap implements KeyWrap {
    private static final int KEY_BYTES = 32;
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BYTES = 16;
    private static final byte[] DEK_LABEL = "dek".getBytes(StandardCharsets.US_ASCII);

    private final HeapKeyArena keys;
    private final RandomSource random;

    JavaKeyWrap(HeapKeyArena keys, RandomSource random) {
        this.keys = keys;
        this.random = random;
    }

    @Override
    public void wrapDek(
            int wrappingKey, long rangeIndex, int generation, byte[] aad, int dek, ByteBuffer out, int outOffset) {
        byte[] plain = keys.filled(dek, KeyArena.KEY_BYTES_MAX).copy();
        HeapKey key = entryKey(wrappingKey, rangeIndex, generation);
        byte[] nonce = new byte[NONCE_BYTES];
        random.fill(nonce);
        try {
            byte[] sealed = gcm(Cipher.ENCRYPT_MODE, key.as("AES"), nonce, aad, plain, 0, plain.length);
            out.put(outOffset, nonce);
            out.put(outOffset + NONCE_BYTES, sealed);
        } catch (AEADBadTagException e) {
            throw new AssertionError("enciphering checks no tag", e);
        } finally {
            key.clear();
            Arrays.fill(plain, (byte) 0);
        }
    }

    @Override
    public boolean unwrapDek(
            int wrappingKey,
            long rangeIndex,
            int generation,
            byte[] aad,
            ByteBuffer wrapped,
            int wrappedOffset,
            int dek) {
        keys.at(dek).clear();
        HeapKey key = entryKey(wrappingKey, rangeIndex, generation);
        byte[] nonce = new byte[NONCE_BYTES];
        byte[] sealed = new byte[WRAPPED_DEK_BYTES - NONCE_BYTES];
        wrapped.get(wrappedOffset, nonce);
        wrapped.get(wrappedOffset + NONCE_BYTES, sealed);
        byte[] plain = {};
        boolean filled = false;
        try {
            plain = gcm(Cipher.DECRYPT_MODE, key.as("AES"), nonce, aad, sealed, 0, sealed.length);
            if (!HeapKey.hasEqualHalves(plain, 0, plain.length)) {
                keys.fill(dek, plain, 0, plain.length);
                filled = true;
            }
            return filled;
        } catch (AEADBadTagException e) {
            return false;
        } finally {
            if (!filled) {
                keys.clear(dek);
            }
            key.clear();
            Arrays.fill(plain, (byte) 0);
        }
    }

    @Override
    public byte[] wrapKwp(int kek, int key) {
        byte[] plain = keys.filled(key, KEY_BYTES).copy();
        try {
            return kwp(Cipher.ENCRYPT_MODE, keys.filled(kek, KEY_BYTES).as("AES"), plain);
        } catch (BadPaddingException | IllegalBlockSizeException e) {
            throw new AssertionError("wrapping checks nothing", e);
        } finally {
            Arrays.fill(plain, (byte) 0);
        }
    }

    @Override
    public boolean unwrapKwp(int kek, byte[] wrapped, int key) {
        SecretKey kekKey = keys.filled(kek, KEY_BYTES).as("AES");
        keys.clear(key);
        if (wrapped.length != KWP_BYTES) {
            return false;
        }
        byte[] plain = {};
        try {
            plain = kwp(Cipher.DECRYPT_MODE, kekKey, wrapped);
            if (plain.length != KEY_BYTES) {
                return false;
            }
            keys.fill(key, plain, 0, plain.length);
            return true;
        } catch (BadPaddingException | IllegalBlockSizeException e) {
            return false;
        } finally {
            Arrays.fill(plain, (byte) 0);
        }
    }

    /** The key of one table entry: it wraps a handful of DEKs in its life, so that random nonces cannot collide. */
    private HeapKey entryKey(int wrappingKey, long rangeIndex, int generation) {
        byte[] info = new byte[DEK_LABEL.length + Long.BYTES + Integer.BYTES];
        ByteBuffer.wrap(info)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(DEK_LABEL)
                .putLong(rangeIndex)
                .putInt(generation);
        byte[] derived = JavaKeyDerivation.expand(keys.filled(wrappingKey, KEY_BYTES), info);
        HeapKey key = new HeapKey(0);
        key.fill(derived, 0, derived.length);
        Arrays.fill(derived, (byte) 0);
        return key;
    }

    /** AES-GCM with a 96-bit nonce and a 128-bit tag, which follows the ciphertext. */
    static byte[] gcm(int mode, SecretKey key, byte[] nonce, byte[] aad, byte[] input, int offset, int length)
            throws AEADBadTagException {
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, nonce));
            cipher.updateAAD(aad);
            return cipher.doFinal(input, offset, length);
        } catch (AEADBadTagException e) {
            throw e;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK's AES-GCM does not work", e);
        }
    }

    /** AES-KWP (RFC 5649) of any length. */
    static byte[] kwp(int mode, SecretKey kek, byte[] input) throws BadPaddingException, IllegalBlockSizeException {
        try {
            Cipher cipher = Cipher.getInstance("AES/KWP/NoPadding");
            cipher.init(mode, kek);
            return cipher.doFinal(input);
        } catch (BadPaddingException | IllegalBlockSizeException e) {
            throw e;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no AES key wrap", e);
        }
    }
}
