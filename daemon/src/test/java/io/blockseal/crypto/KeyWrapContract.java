package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/** A DEK that cannot be unwrapped is a lost range; one that unwraps in the wrong place is somebody else's. */
abstract class KeyWrapContract extends EngineContract {
    private static final byte[] AAD =
            "volume, range, generation, suite, slot".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

    @Test
    void unwrapsAsWycheproofSays() {
        int unwrapped = 0;
        int refused = 0;
        for (Vectors.Vector vector : Vectors.wycheproof("aes_kwp")) {
            byte[] plain = vector.bytes("msg");
            int kek = key(vector.bytes("key"));
            int key = randomKey(32);
            boolean done = engine.wrap().unwrapKwp(kek, vector.bytes("ct"), key);
            // A whole key that is no volume key, because it is shorter or longer, is refused like a damaged one.
            assertEquals(vector.isValid() && plain.length == 32, done, vector::toString);
            if (done) {
                assertArrayEquals(plain, bytesOf(key));
                assertArrayEquals(vector.bytes("ct"), engine.wrap().wrapKwp(kek, key));
                unwrapped++;
            } else {
                assertEquals(0, engine.keys().length(key));
                refused++;
            }
            engine.keys().free(kek);
            engine.keys().free(key);
        }
        assertEquals(3, unwrapped);
        assertTrue(refused > 80);
    }

    @Test
    void kwpUnderAnotherKeyIsRefused() {
        int kek = randomKey(32);
        int key = randomKey(32);
        byte[] wrapped = engine.wrap().wrapKwp(kek, key);
        assertEquals(KeyWrap.KWP_BYTES, wrapped.length);
        int back = engine.keys().allocate();
        assertFalse(engine.wrap().unwrapKwp(randomKey(32), wrapped, back));
        assertTrue(engine.wrap().unwrapKwp(kek, wrapped, back));
        assertTrue(engine.keys().same(key, back));
        for (int i = 0; i < wrapped.length; i++) {
            byte[] altered = wrapped.clone();
            altered[i] ^= 0x10;
            assertFalse(engine.wrap().unwrapKwp(kek, altered, back), "byte " + i);
            assertEquals(0, engine.keys().length(back));
        }
    }

    @Test
    void wrapsADekAsTheFormatSays() throws GeneralSecurityException {
        byte[] wrappingKey = new byte[32];
        byte[] dek = new byte[64];
        random.nextBytes(wrappingKey);
        random.nextBytes(dek);
        for (long range : new long[] {0, 1, 0xffff_ffffL, 1L << 40}) {
            for (int generation : new int[] {1, 2, Integer.MAX_VALUE, -1}) {
                byte[] wrapped = new byte[KeyWrap.WRAPPED_DEK_BYTES + 7];
                engine.wrap().wrapDek(key(wrappingKey), range, generation, AAD, key(dek), wrapped, 7);
                assertArrayEquals(dek, byTheBook(Cipher.DECRYPT_MODE, wrappingKey, range, generation, wrapped, 7, dek));
                assertArrayEquals(new byte[7], Arrays.copyOf(wrapped, 7));
                int back = engine.keys().allocate();
                assertTrue(engine.wrap().unwrapDek(key(wrappingKey), range, generation, AAD, wrapped, 7, back));
                assertArrayEquals(dek, bytesOf(back));
            }
        }
    }

    @Test
    void drawsANewNonceForEachWrap() {
        int wrappingKey = randomKey(32);
        int dek = randomKey(64);
        byte[] first = new byte[KeyWrap.WRAPPED_DEK_BYTES];
        byte[] second = new byte[KeyWrap.WRAPPED_DEK_BYTES];
        engine.wrap().wrapDek(wrappingKey, 1, 1, AAD, dek, first, 0);
        engine.wrap().wrapDek(wrappingKey, 1, 1, AAD, dek, second, 0);
        assertFalse(Arrays.equals(first, 0, 12, second, 0, 12));
    }

    @Test
    void refusesADekOutOfItsPlace() {
        int wrappingKey = randomKey(32);
        int dek = randomKey(64);
        byte[] wrapped = new byte[KeyWrap.WRAPPED_DEK_BYTES];
        engine.wrap().wrapDek(wrappingKey, 118, 4, AAD, dek, wrapped, 0);
        int back = randomKey(64);
        assertTrue(engine.wrap().unwrapDek(wrappingKey, 118, 4, AAD, wrapped, 0, back));
        assertFalse(engine.wrap().unwrapDek(wrappingKey, 119, 4, AAD, wrapped, 0, back));
        assertEquals(0, engine.keys().length(back), "the slot must not keep the key it had");
        assertFalse(engine.wrap().unwrapDek(wrappingKey, 118, 5, AAD, wrapped, 0, back));
        assertFalse(engine.wrap().unwrapDek(wrappingKey, 118, 4, new byte[0], wrapped, 0, back));
        assertFalse(engine.wrap().unwrapDek(randomKey(32), 118, 4, AAD, wrapped, 0, back));
        for (int i = 0; i < wrapped.length; i++) {
            byte[] altered = wrapped.clone();
            altered[i] ^= 1;
            assertFalse(engine.wrap().unwrapDek(wrappingKey, 118, 4, AAD, altered, 0, back), "byte " + i);
        }
        assertEquals(0, engine.keys().length(back));
    }

    @Test
    void refusesAWrappedDekWithEqualHalves() throws GeneralSecurityException {
        byte[] wrappingKey = new byte[32];
        byte[] twice = new byte[64];
        byte[] wrapped = new byte[KeyWrap.WRAPPED_DEK_BYTES];
        byTheBook(Cipher.ENCRYPT_MODE, wrappingKey, 5, 1, wrapped, 0, twice);
        int back = engine.keys().allocate();
        assertFalse(engine.wrap().unwrapDek(key(wrappingKey), 5, 1, AAD, wrapped, 0, back));
        assertEquals(0, engine.keys().length(back));
        twice[0] = 1;
        byTheBook(Cipher.ENCRYPT_MODE, wrappingKey, 5, 1, wrapped, 0, twice);
        assertTrue(engine.wrap().unwrapDek(key(wrappingKey), 5, 1, AAD, wrapped, 0, back));
    }

    @Test
    void takesOnlyKeysOfTheRightLength() {
        byte[] wrapped = new byte[KeyWrap.WRAPPED_DEK_BYTES];
        int longKey = randomKey(64);
        int shortKey = randomKey(32);
        assertThrows(
                IllegalStateException.class, () -> engine.wrap().wrapDek(shortKey, 1, 1, AAD, shortKey, wrapped, 0));
        assertThrows(IllegalStateException.class, () -> engine.wrap().wrapDek(longKey, 1, 1, AAD, longKey, wrapped, 0));
        assertThrows(IllegalStateException.class, () -> engine.wrap().wrapKwp(longKey, shortKey));
        assertThrows(IllegalStateException.class, () -> engine.wrap().wrapKwp(shortKey, longKey));
    }

    /** The DEK wrap written down once more, with nothing of ours. */
    private static byte[] byTheBook(
            int mode, byte[] wrappingKey, long range, int generation, byte[] wrapped, int at, byte[] dek)
            throws GeneralSecurityException {
        ByteBuffer info = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        info.put(new byte[] {'d', 'e', 'k'}).putLong(range).putInt(generation).put((byte) 1);
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(wrappingKey, "HmacSHA256"));
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(
                mode, new SecretKeySpec(mac.doFinal(info.array()), "AES"), new GCMParameterSpec(128, wrapped, at, 12));
        cipher.updateAAD(AAD);
        if (mode == Cipher.DECRYPT_MODE) {
            return cipher.doFinal(wrapped, at + 12, 80);
        }
        cipher.doFinal(dek, 0, dek.length, wrapped, at + 12);
        return wrapped;
    }
}
