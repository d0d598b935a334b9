package io.blockseal.crypto.java;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.Vectors;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/** The Java engine's parts on inputs that no volume has, but published vectors do. */
class JavaPrimitivesTest {
    @Test
    void agreesWithNistOnTweaksOf128Bits() {
        List<Vectors.Vector> vectors = Vectors.blocks("nist-xts-aes256-128hexstr.rsp");
        assertEquals(600, vectors.size());
        for (Vectors.Vector vector : vectors) {
            assertUnit(vector, "i", "pt", "ct");
        }
    }

    @Test
    void agreesWithWycheproofOnTweaksOf128Bits() {
        int checked = 0;
        for (Vectors.Vector vector : Vectors.wycheproof("aes_xts")) {
            if (vector.bytes("msg").length % 16 == 0) {
                assertUnit(vector, "iv", "msg", "ct");
                checked++;
            }
        }
        assertEquals(21, checked);
    }

    @Test
    void agreesWithWycheproofOnGcm() throws AEADBadTagException {
        for (Vectors.Vector vector : Vectors.wycheproof("aes_gcm")) {
            SecretKey key = new SecretKeySpec(vector.bytes("key"), "AES");
            byte[] plain = vector.bytes("msg");
            byte[] nonce = vector.bytes("iv");
            byte[] aad = vector.bytes("aad");
            byte[] sealed = ByteBuffer.allocate(plain.length + 16)
                    .put(vector.bytes("ct"))
                    .put(vector.bytes("tag"))
                    .array();
            if (vector.isValid()) {
                assertArrayEquals(
                        plain, JavaKeyWrap.gcm(Cipher.DECRYPT_MODE, key, nonce, aad, sealed, 0, sealed.length));
                assertArrayEquals(
                        sealed, JavaKeyWrap.gcm(Cipher.ENCRYPT_MODE, key, nonce, aad, plain, 0, plain.length));
            } else {
                assertThrows(
                        AEADBadTagException.class,
                        () -> JavaKeyWrap.gcm(Cipher.DECRYPT_MODE, key, nonce, aad, sealed, 0, sealed.length),
                        vector::toString);
            }
        }
    }

    @Test
    void wrapsAsRfc5649() throws GeneralSecurityException {
        // RFC 5649, 6: a 192-bit key, over 20 and over 7 bytes.
        SecretKey kek = new SecretKeySpec(hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"), "AES");
        assertArrayEquals(
                hex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"),
                JavaKeyWrap.kwp(Cipher.ENCRYPT_MODE, kek, hex("c37b7e6492584340bed12207808941155068f738")));
        assertArrayEquals(
                hex("afbeb0f07dfbf5419200f2ccb50bb24f"),
                JavaKeyWrap.kwp(Cipher.ENCRYPT_MODE, kek, hex("466f7250617369")));
    }

    @Test
    void unwrapsEveryLengthAsWycheproofSays() throws GeneralSecurityException {
        int valid = 0;
        for (Vectors.Vector vector : Vectors.wycheproof("aes_kwp")) {
            SecretKey kek = new SecretKeySpec(vector.bytes("key"), "AES");
            if (vector.isValid()) {
                assertArrayEquals(
                        vector.bytes("msg"),
                        JavaKeyWrap.kwp(Cipher.DECRYPT_MODE, kek, vector.bytes("ct")),
                        vector::toString);
                valid++;
            } else {
                assertThrows(
                        GeneralSecurityException.class,
                        () -> JavaKeyWrap.kwp(Cipher.DECRYPT_MODE, kek, vector.bytes("ct")),
                        vector::toString);
            }
        }
        assertTrue(valid > 20);
    }

    private static void assertUnit(Vectors.Vector vector, String tweakField, String plain, String cipher) {
        ByteBuffer tweak = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        tweak.put(0, vector.bytes(tweakField));
        Memory memory = new JvmMemorySource().map(256);
        try (JavaCryptoEngine engine = new JavaCryptoEngine(1, new KernelRandom())) {
            int key = engine.keys().allocate();
            engine.keys().put(key, ByteBuffer.wrap(vector.bytes("key")));
            JavaXts xts = (JavaXts) engine.xts();
            byte[] bytes = vector.bytes(plain);
            memory.bytes().put(0, bytes);
            xts.cryptUnit(true, key, memory, bytes.length, tweak.getLong(0), tweak.getLong(8));
            byte[] found = new byte[bytes.length];
            memory.bytes().get(0, found);
            assertArrayEquals(vector.bytes(cipher), found, vector::toString);
            xts.cryptUnit(false, key, memory, bytes.length, tweak.getLong(0), tweak.getLong(8));
            memory.bytes().get(0, found);
            assertArrayEquals(bytes, found, vector::toString);
        }
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text);
    }
}
