package io.blockseal.shim;

import java.util.Arrays;
import java.util.HexFormat;

/**
 * What a library must show before a byte of data is trusted to it. Each method returns the first thing that is wrong, in
 * words, or the empty string.
 *
 * <p>Why so suspicious: a binding that mixes up two arguments would encipher the wrong length or under the wrong tweak,
 * and nobody would notice until the data is read.
 */
final class ShimSelfTest {
    private static final int UNIT_BYTES = 512;
    /** IEEE 1619, annex B, vector 10 (XTS-AES-256): its key, and both ends of its 512 bytes of ciphertext. */
    private static final long TWEAK = 0xff;

    private static final String KEY = "2718281828459045235360287471352662497757247093699959574966967627"
            + "3141592653589793238462643383279502884197169399375105820974944592";
    private static final String HEAD = "1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b";
    private static final String TAIL = "773dad38014bd2092fa755c824bb5e54c4f36ffda9fcea70b9c6e693e148c151";

    private ShimSelfTest() {}

    static String beforeInit(Shim shim) {
        String failure = argumentsInOrder(shim);
        return failure.isEmpty() ? blocksHaveTheirSize(shim) : failure;
    }

    static String afterInit(Shim shim) {
        int handle = shim.keyNew();
        if (handle < 1) {
            return "no key slot: " + ShimError.describe(handle);
        }
        try {
            return knownAnswer(shim, handle);
        } finally {
            shim.keyFree(handle);
        }
    }

    private static String argumentsInOrder(Shim shim) {
        long[] samples = {3, -5, 0x7123456789abcdefL, Long.MIN_VALUE, -1};
        for (long sample : samples) {
            int a = Integer.MIN_VALUE + 7;
            long c = sample ^ 0x5555;
            int e = (int) sample;
            long m = 1_000_003;
            long expected = (((a * m + sample) * m + c) * m + ~sample) * m + e;
            if (shim.echo5(a, sample, c, ~sample, e) != expected) {
                return "the binding passes arguments wrongly (echo self-test); data would be lost";
            }
        }
        return "";
    }

    private static String blocksHaveTheirSize(Shim shim) {
        int[][] blocks = {
            {HmacBlock.KIND, HmacBlock.BYTES},
            {HkdfBlock.KIND, HkdfBlock.BYTES},
            {GcmBlock.KIND, GcmBlock.BYTES},
            {DekBlock.KIND, DekBlock.BYTES},
            {FileInfoBlock.KIND, FileInfoBlock.BYTES},
        };
        for (int[] block : blocks) {
            int found = shim.blockBytes(block[0]);
            if (found != block[1]) {
                return "parameter block " + block[0] + " has " + found + " bytes in the library, " + block[1] + " here";
            }
        }
        return "";
    }

    private static String knownAnswer(Shim shim, int handle) {
        HexFormat hex = HexFormat.of();
        OffHeap key = OffHeap.allocate(Shim.DEK_BYTES).put(0, hex.parseHex(KEY));
        OffHeap unit = OffHeap.allocate(UNIT_BYTES);
        for (int i = 0; i < UNIT_BYTES; i++) {
            unit.putByte(i, i);
        }
        byte[] plain = unit.get(0, UNIT_BYTES);
        long result = shim.keySet(handle, key.address(), Shim.DEK_BYTES);
        if (result == 0) {
            result = shim.xtsEncrypt(handle, unit.address(), TWEAK, 1, UNIT_BYTES);
        }
        if (result != 0) {
            return "XTS self-test: " + ShimError.describe(result);
        }
        byte[] head = hex.parseHex(HEAD);
        byte[] tail = hex.parseHex(TAIL);
        if (!Arrays.equals(unit.get(0, head.length), head)
                || !Arrays.equals(unit.get(UNIT_BYTES - tail.length, tail.length), tail)) {
            return "XTS self-test: the ciphertext is wrong";
        }
        result = shim.xtsDecrypt(handle, unit.address(), TWEAK, 1, UNIT_BYTES);
        return result == 0 && Arrays.equals(unit.get(0, UNIT_BYTES), plain)
                ? ""
                : "XTS self-test: it does not decipher";
    }
}
