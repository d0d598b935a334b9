package io.blockseal.shim;

import static io.blockseal.shim.ShimFixture.bytesOf;
import static io.blockseal.shim.ShimFixture.hex;
import static io.blockseal.shim.ShimFixture.key;
import static io.blockseal.shim.ShimFixture.offHeap;
import static io.blockseal.shim.ShimFixture.randomKey;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** A wrap that is not the standard's could not be opened by anybody else; one that is not checked opens to nonsense. */
class WrapTest {
    // Not in a @BeforeEach, which would run after the nested classes have made their keys.
    private final Shim shim = ShimFixture.shim();
    private final int keysBefore = shim.keyCount();

    @AfterEach
    void noKeyStaysBehind() {
        assertEquals(keysBefore, shim.keyCount());
    }

    private void free(int... handles) {
        for (int handle : handles) {
            assertEquals(0, shim.keyFree(handle));
        }
    }

    @Nested
    class Gcm {
        /** The GCM specification's test case 16 (McGrew and Viega, 2004), which NIST took over. */
        private final int kek = key(shim, "feffe9928665731c6d6a8f9467308308".repeat(2));

        private final String plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
        private final OffHeap nonce = offHeap("cafebabefacedbaddecaf888");
        private final OffHeap aad = offHeap("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        private final OffHeap blob = OffHeap.allocate(80);
        private final GcmBlock block = new GcmBlock()
                .nonce(nonce.address())
                .aad(aad.address(), aad.length())
                .blob(blob.address());

        @Test
        void matchesThePublishedVector() {
            int secret = key(shim, plain);
            assertEquals(0, shim.gcmWrap(block.keys(kek, secret, 60).address()));
            assertArrayEquals(
                    hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                            + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                            + "76fc6ece0f4e1768cddf8853bb2d551b"),
                    blob.get(0, 76));
            free(kek, secret);
        }

        @Test
        void opensOnlyWhatWasSealed() {
            int secret = randomKey(shim, 64);
            int back = shim.keyNew();
            assertEquals(0, shim.gcmWrap(block.keys(kek, secret, 64).address()));
            block.keys(kek, back, 64);
            for (OffHeap part : new OffHeap[] {blob, nonce, aad}) {
                for (int i = 0; i < part.length(); i += 5) {
                    part.putByte(i, part.getByte(i) ^ 0x10);
                    assertEquals(ShimError.BAD_TAG, shim.gcmUnwrap(block.address()));
                    assertEquals(0, shim.keyLength(back), "the slot stays empty");
                    part.putByte(i, part.getByte(i) ^ 0x10);
                }
            }
            assertEquals(0, shim.gcmUnwrap(block.address()));
            assertEquals(1, shim.keyEqual(secret, back, 64));
            free(kek, secret, back);
        }

        @Test
        void aFailedUnwrapLeavesTheOldKey() {
            int secret = randomKey(shim, 32);
            byte[] before = bytesOf(shim, secret, 32);
            assertEquals(
                    ShimError.BAD_TAG,
                    shim.gcmUnwrap(block.keys(kek, secret, 64).address()));
            assertArrayEquals(before, bytesOf(shim, secret, 32));
            free(kek, secret);
        }
    }

    @Nested
    class TableEntry {
        private final OffHeap nonce = OffHeap.allocate(Shim.NONCE_BYTES);
        private final OffHeap aad = offHeap("00112233445566778899aabbccddeeff0102030405");
        private final OffHeap blob = OffHeap.allocate(DekBlock.WRAPPED_BYTES);
        private final int twk = randomKey(shim, 32);
        private final int dek = randomKey(shim, 64);
        private final int back = shim.keyNew();
        private final DekBlock block =
                new DekBlock().aad(aad.address(), aad.length()).wrapped(nonce.address(), blob.address());

        @AfterEach
        void freeKeys() {
            free(twk, dek, back);
        }

        /** The format page's formula, spelled out with the JDK. */
        private byte[] opened(long range, int generation) throws Exception {
            ByteBuffer info = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
            info.put((byte) 'd')
                    .put((byte) 'e')
                    .put((byte) 'k')
                    .putLong(range)
                    .putInt(generation)
                    .put((byte) 1);
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(bytesOf(shim, twk, 32), "HmacSHA256"));
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            SecretKeySpec entryKey = new SecretKeySpec(mac.doFinal(info.array()), "AES");
            cipher.init(Cipher.DECRYPT_MODE, entryKey, new GCMParameterSpec(128, nonce.get(0, 12)));
            cipher.updateAAD(aad.get(0, aad.length()));
            return cipher.doFinal(blob.get(0, 80));
        }

        @Test
        void isWrappedAsTheFormatSays() throws Exception {
            for (long range : new long[] {0, 1, 1_638_399, (1L << 40) + 5}) {
                for (int generation : new int[] {1, 2, -1}) {
                    assertEquals(
                            0,
                            shim.dekWrap(block.keys(twk, dek)
                                    .entry(range, generation)
                                    .address()));
                    assertArrayEquals(bytesOf(shim, dek, 64), opened(range, generation));
                    assertEquals(0, shim.dekUnwrap(block.keys(twk, back).address()));
                    assertEquals(1, shim.keyEqual(dek, back, 64));
                }
            }
        }

        @Test
        void drawsAFreshNonceEachTime() {
            shim.dekWrap(block.keys(twk, dek).entry(1, 1).address());
            byte[] first = nonce.get(0, 12);
            shim.dekWrap(block.address());
            assertFalse(Arrays.equals(first, nonce.get(0, 12)));
        }

        @Test
        void opensForItsOwnRangeGenerationAndContextOnly() {
            assertEquals(0, shim.dekWrap(block.keys(twk, dek).entry(7, 3).address()));
            block.keys(twk, back);
            assertEquals(ShimError.BAD_TAG, shim.dekUnwrap(block.entry(8, 3).address()));
            assertEquals(ShimError.BAD_TAG, shim.dekUnwrap(block.entry(7, 2).address()));
            aad.putByte(20, 9);
            assertEquals(ShimError.BAD_TAG, shim.dekUnwrap(block.entry(7, 3).address()));
            assertEquals(0, shim.keyLength(back), "the slot stays empty");
            assertEquals(ShimError.INVALID, shim.dekUnwrap(block.entry(-1, 3).address()));
        }

        @Test
        void isRefusedIfItsHalvesAreEqual() throws Exception {
            byte[] twice = new byte[64];
            Arrays.fill(twice, (byte) 5);
            shim.keySet(dek, offHeap(twice).address(), 64);
            assertEquals(
                    ShimError.KEY_REJECTED,
                    shim.dekWrap(block.keys(twk, dek).entry(7, 3).address()));
            // Nor from a table that somebody else wrote.
            GcmBlock forged = new GcmBlock()
                    .keys(entryKey(), dek, 64)
                    .nonce(nonce.address())
                    .aad(aad.address(), aad.length())
                    .blob(blob.address());
            assertEquals(0, shim.gcmWrap(forged.address()));
            assertEquals(
                    ShimError.KEY_REJECTED, shim.dekUnwrap(block.keys(twk, back).address()));
            assertEquals(0, shim.keyLength(back));
            free(entryKeyHandle);
        }

        private int entryKeyHandle;

        private int entryKey() {
            entryKeyHandle = shim.keyNew();
            OffHeap info = offHeap("64656b" + "0700000000000000" + "03000000");
            HkdfBlock derive = new HkdfBlock()
                    .key(twk, 32)
                    .info(info.address(), info.length())
                    .expandOnly(true)
                    .toKey(entryKeyHandle, 32);
            assertEquals(0, shim.hkdfSha256(derive.address()));
            return entryKeyHandle;
        }
    }

    @Nested
    class Kwp {
        private final OffHeap blob = OffHeap.allocate(72);

        /** RFC 5649's own examples have 192-bit keys, which we do not take; these are Wycheproof's (Apache-2.0). */
        @Test
        void matchesPublishedVectors() {
            String[][] vectors = {
                {
                    "38e1b1d075d9d852b9a6c01c8ff6965af01bac457a4e339ae3e1d7b2ffacc0cd",
                    "80ad6820f1c90981e2ca42b817a345c1179d0a11d8e23a8adc0505e13d87295a",
                    "b63b7e0fec7e315816233db6758fd3e744b9f6a40862bdf866487e53bcb950d8b2649269e51b4475"
                },
                {
                    "c641f1689d81caa8ba37d895272240664054ed974cfffc40e6c5c0cad1b916c7",
                    "3fd0ba19955e46749f54d88e99d080b7339d588fe612ec0f4021ca3ca2104270",
                    "837cfc316b49299edaf427e0988020ee876204b29d847669daab72c8660b0d860e9de3bd851198ff"
                },
            };
            for (String[] vector : vectors) {
                int kek = key(shim, vector[0]);
                int secret = key(shim, vector[1]);
                int back = shim.keyNew();
                assertEquals(40, shim.kwpWrap(kek, secret, 32, blob.address()));
                assertArrayEquals(hex(vector[2]), blob.get(0, 40));
                assertEquals(0, shim.kwpUnwrap(kek, back, 32, blob.address()));
                assertEquals(1, shim.keyEqual(secret, back, 32));
                free(kek, secret, back);
            }
        }

        @Test
        void agreesWithTheJdkForEveryLength() throws Exception {
            byte[] kekBytes = new byte[32];
            new Random(50).nextBytes(kekBytes);
            int kek = key(shim, kekBytes);
            for (int length = 1; length <= 64; length++) {
                byte[] bytes = new byte[length];
                new Random(length).nextBytes(bytes);
                int secret = key(shim, bytes);
                int blobLength = shim.kwpWrap(kek, secret, length, blob.address());
                Cipher oracle = Cipher.getInstance("AES/KWP/NoPadding");
                oracle.init(Cipher.WRAP_MODE, new SecretKeySpec(kekBytes, "AES"));
                assertArrayEquals(oracle.wrap(new SecretKeySpec(bytes, "AES")), blob.get(0, blobLength));
                int back = shim.keyNew();
                assertEquals(0, shim.kwpUnwrap(kek, back, length, blob.address()), "length " + length);
                assertArrayEquals(bytes, bytesOf(shim, back, length));
                free(secret, back);
            }
            free(kek);
        }

        @Test
        void refusesAnotherKeyAlteredBytesAndAnotherLength() {
            int kek = randomKey(shim, 32);
            int wrong = randomKey(shim, 32);
            int secret = randomKey(shim, 32);
            int back = shim.keyNew();
            assertEquals(40, shim.kwpWrap(kek, secret, 32, blob.address()));
            assertEquals(ShimError.BAD_TAG, shim.kwpUnwrap(wrong, back, 32, blob.address()));
            assertEquals(ShimError.BAD_TAG, shim.kwpUnwrap(kek, back, 31, blob.address()));
            for (int i = 0; i < 40; i++) {
                blob.putByte(i, blob.getByte(i) ^ 1);
                assertEquals(ShimError.BAD_TAG, shim.kwpUnwrap(kek, back, 32, blob.address()));
                blob.putByte(i, blob.getByte(i) ^ 1);
            }
            assertEquals(0, shim.keyLength(back), "the slot stays empty");
            assertEquals(ShimError.INVALID, shim.kwpWrap(kek, secret, 65, blob.address()));
            assertEquals(ShimError.KEY_EMPTY, shim.kwpWrap(kek, secret, 33, blob.address()));
            free(kek, wrong, secret, back);
        }
    }
}
