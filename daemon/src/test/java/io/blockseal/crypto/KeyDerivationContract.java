package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A key derived differently tomorrow opens nothing; a MAC computed differently refuses a sound volume. */
abstract class KeyDerivationContract extends EngineContract {
    @Test
    void derivesAsRfc5869() {
        List<Vectors.Vector> vectors = Vectors.blocks("rfc5869-hkdf-sha256.txt");
        assertEquals(3, vectors.size());
        int checked = 0;
        for (Vectors.Vector vector : vectors) {
            if (vector.bytes("ikm").length <= KeyArena.KEY_BYTES_MAX) {
                assertDerives(vector, vector.bytes("okm"));
                checked++;
            }
        }
        assertEquals(2, checked);
    }

    @Test
    void derivesAsWycheproof() {
        int checked = 0;
        for (Vectors.Vector vector : Vectors.wycheproof("hkdf_sha256")) {
            // The rest are output sizes that HKDF does not have, and input longer than a key.
            if (vector.isValid() && vector.bytes("ikm").length <= KeyArena.KEY_BYTES_MAX) {
                assertDerives(vector, vector.bytes("okm"));
                checked++;
            }
        }
        assertEquals(82, checked);
    }

    @Test
    void macsAsRfc4231() throws java.security.NoSuchAlgorithmException {
        List<Vectors.Vector> vectors = Vectors.blocks("rfc4231-hmac-sha256.txt");
        assertTrue(vectors.size() >= 5);
        for (Vectors.Vector vector : vectors) {
            assertMac(vector, vector.bytes("md"));
        }
    }

    @Test
    void macsAsWycheproofAndNotOtherwise() throws java.security.NoSuchAlgorithmException {
        int refused = 0;
        for (Vectors.Vector vector : Vectors.wycheproof("hmac_sha256")) {
            if (vector.isValid()) {
                assertMac(vector, vector.bytes("tag"));
            } else {
                byte[] mac = engine.derivation().hmac(hmacKey(vector), vector.bytes("msg"));
                assertTrue(!Arrays.equals(mac, vector.bytes("tag")), vector::toString);
                refused++;
            }
        }
        assertTrue(refused > 30);
    }

    @Test
    void macsPiecesAsIfTheyWereOne() {
        int key = randomKey(32);
        byte[] whole = new byte[20_000];
        random.nextBytes(whole);
        byte[] expected = engine.derivation().hmac(key, whole);
        for (int i = 0; i < 20; i++) {
            int first = random.nextInt(whole.length);
            int second = first + random.nextInt(whole.length - first);
            assertArrayEquals(
                    expected,
                    engine.derivation()
                            .hmac(
                                    key,
                                    Arrays.copyOf(whole, first),
                                    Arrays.copyOfRange(whole, first, second),
                                    new byte[0],
                                    Arrays.copyOfRange(whole, second, whole.length)));
            ByteBuffer outside = ByteBuffer.allocateDirect(whole.length).put(0, whole);
            List<ByteBuffer> pieces =
                    List.of(outside.slice(0, first), ByteBuffer.wrap(whole, first, whole.length - first));
            assertArrayEquals(expected, engine.derivation().hmac(key, pieces));
            assertEquals(first, pieces.get(0).remaining());
        }
    }

    @Test
    void refusesLengthsThatOneBlockDoesNotGive() {
        int key = randomKey(32);
        byte[] none = {};
        assertThrows(IllegalArgumentException.class, () -> engine.derivation().hkdfPublic(key, none, none, 0));
        assertThrows(IllegalArgumentException.class, () -> engine.derivation().hkdfPublic(key, none, none, 33));
    }

    private void assertDerives(Vectors.Vector vector, byte[] output) {
        int input = key(vector.bytes("ikm"));
        byte[] salt = vector.bytes("salt");
        byte[] info = vector.bytes("info");
        int lengthBytes = Math.min(32, output.length);
        assertArrayEquals(
                Arrays.copyOf(output, lengthBytes),
                engine.derivation().hkdfPublic(input, salt, info, lengthBytes),
                vector::toString);
        int derived = engine.keys().allocate();
        engine.derivation().hkdf(input, salt, info, derived);
        assertArrayEquals(
                Arrays.copyOf(output, lengthBytes), Arrays.copyOf(bytesOf(derived), lengthBytes), vector::toString);
        engine.keys().free(input);
        engine.keys().free(derived);
    }

    private void assertMac(Vectors.Vector vector, byte[] tag) throws java.security.NoSuchAlgorithmException {
        assertArrayEquals(tag, engine.derivation().hmac(hmacKey(vector), vector.bytes("msg")), vector::toString);
    }

    private int hmacKey(Vectors.Vector vector) throws java.security.NoSuchAlgorithmException {
        byte[] bytes = vector.bytes("key");
        // RFC 2104: a key longer than a block stands for its digest. Ours are never that long.
        return key(
                bytes.length <= 64
                        ? bytes
                        : java.security.MessageDigest.getInstance("SHA-256").digest(bytes));
    }
}
