package io.blockseal.shim;

import static io.blockseal.shim.ShimFixture.bytesOf;
import static io.blockseal.shim.ShimFixture.hex;
import static io.blockseal.shim.ShimFixture.key;
import static io.blockseal.shim.ShimFixture.offHeap;
import static io.blockseal.shim.ShimFixture.randomKey;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Random;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/** Root and page MACs and every derived key stand on these; they must be what the RFCs say, not only agree with us. */
class MacTest {
    private final Shim shim = ShimFixture.shim();
    private final OffHeap out = OffHeap.allocate(256);

    @Test
    void hmacMatchesRfc4231() {
        assertHmac(
                "0b".repeat(20),
                "4869205468657265",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        assertHmac(
                "4a656665",
                "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assertHmac(
                "aa".repeat(20), "dd".repeat(50), "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
        assertHmac(
                "0102030405060708090a0b0c0d0e0f10111213141516171819",
                "cd".repeat(50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    }

    private void assertHmac(String key, String data, String mac) {
        int handle = key(shim, key);
        OffHeap input = offHeap(data);
        assertEquals(0, shim.hmacSha256(handle, key.length() / 2, input.address(), input.length(), out.address()));
        assertArrayEquals(hex(mac), out.get(0, 32));
        shim.keyFree(handle);
    }

    @Test
    void hmacOverPiecesIsHmacOverTheWhole() throws Exception {
        byte[] keyBytes = new byte[64];
        byte[] data = new byte[4096 + 16];
        long seed = 20;
        new Random(seed).nextBytes(keyBytes);
        new Random(seed + 1).nextBytes(data);
        int handle = key(shim, keyBytes);
        Mac oracle = Mac.getInstance("HmacSHA256");
        oracle.init(new SecretKeySpec(keyBytes, "HmacSHA256"));
        byte[] expected = oracle.doFinal(data);

        OffHeap input = offHeap(data);
        HmacBlock block = new HmacBlock().begin(handle, 64, out.address());
        int[] cuts = {0, 0, 1, 16, 100, 4096, 4100, 4111, data.length};
        for (int i = 0; i < HmacBlock.PARTS_MAX; i++) {
            block.add(input.address(cuts[i]), cuts[i + 1] - cuts[i]);
        }
        assertEquals(0, shim.hmacSha256Parts(block.address()));
        assertArrayEquals(expected, out.get(0, 32));
        shim.keyFree(handle);
    }

    @Test
    void sha256MatchesTheJdk() throws Exception {
        byte[] data = new byte[1000];
        new Random(30).nextBytes(data);
        OffHeap input = offHeap(data);
        for (int length : new int[] {0, 1, 55, 56, 64, 1000}) {
            assertEquals(0, shim.sha256(input.address(), length, out.address()));
            byte[] expected = MessageDigest.getInstance("SHA-256").digest(Arrays.copyOf(data, length));
            assertArrayEquals(expected, out.get(0, 32));
        }
    }

    @Test
    void hkdfMatchesRfc5869() {
        assertHkdf(
                "0b".repeat(22),
                "000102030405060708090a0b0c",
                "f0f1f2f3f4f5f6f7f8f9",
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
        assertHkdf(
                "0b".repeat(22),
                "",
                "",
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
    }

    private void assertHkdf(String ikm, String salt, String info, String okm) {
        int handle = key(shim, ikm);
        int derived = shim.keyNew();
        int length = okm.length() / 2;
        OffHeap saltBytes = offHeap(salt);
        OffHeap infoBytes = offHeap(info);
        HkdfBlock block = new HkdfBlock()
                .key(handle, ikm.length() / 2)
                .salt(saltBytes.address(), saltBytes.length())
                .info(infoBytes.address(), infoBytes.length())
                .toMemory(out.address(), length);
        assertEquals(0, shim.hkdfSha256(block.address()));
        assertArrayEquals(hex(okm), out.get(0, length));
        assertEquals(0, shim.hkdfSha256(block.toKey(derived, length).address()));
        assertArrayEquals(hex(okm), bytesOf(shim, derived, length));
        shim.keyFree(handle);
        shim.keyFree(derived);
    }

    @Test
    void longSaltIsHashedAndLongOutputIsChained() throws Exception {
        byte[] ikm = new byte[32];
        byte[] salt = new byte[100];
        byte[] info = "blockseal/v1/test".getBytes(StandardCharsets.US_ASCII);
        new Random(40).nextBytes(ikm);
        new Random(41).nextBytes(salt);
        int handle = key(shim, ikm);
        HkdfBlock block = new HkdfBlock()
                .key(handle, 32)
                .salt(offHeap(salt).address(), salt.length)
                .info(offHeap(info).address(), info.length)
                .toMemory(out.address(), 200);
        assertEquals(0, shim.hkdfSha256(block.address()));
        byte[] prk = mac(salt, ikm);
        byte[] expected = expand(prk, info, 200);
        assertArrayEquals(expected, out.get(0, 200));

        int prkHandle = key(shim, prk);
        assertEquals(
                0, shim.hkdfSha256(block.key(prkHandle, 32).expandOnly(true).address()));
        assertArrayEquals(expected, out.get(0, 200));
        shim.keyFree(handle);
        shim.keyFree(prkHandle);
    }

    private static byte[] mac(byte[] key, byte[]... parts) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        for (byte[] part : parts) {
            mac.update(part);
        }
        return mac.doFinal();
    }

    private static byte[] expand(byte[] prk, byte[] info, int length) throws Exception {
        byte[] okm = new byte[length];
        byte[] block = new byte[0];
        for (int at = 0, counter = 1; at < length; at += 32, counter++) {
            block = mac(prk, block, info, new byte[] {(byte) counter});
            System.arraycopy(block, 0, okm, at, Math.min(32, length - at));
        }
        return okm;
    }

    @Test
    void refusesLengthsThatTheKeyDoesNotHave() {
        int handle = randomKey(shim, 32);
        assertEquals(ShimError.KEY_EMPTY, shim.hmacSha256(handle, 33, out.address(), 1, out.address()));
        assertEquals(ShimError.INVALID, shim.hmacSha256(handle, 65, out.address(), 1, out.address()));
        assertEquals(ShimError.INVALID, shim.hmacSha256(handle, 32, out.address(), -1, out.address()));
        HkdfBlock block = new HkdfBlock().key(handle, 32).toMemory(out.address(), 255 * 32 + 1);
        assertEquals(ShimError.INVALID, shim.hkdfSha256(block.address()));
        assertEquals(ShimError.INVALID, shim.hkdfSha256(block.toKey(handle, 65).address()));
        shim.keyFree(handle);
    }
}
