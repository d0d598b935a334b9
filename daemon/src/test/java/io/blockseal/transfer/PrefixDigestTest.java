package io.blockseal.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PrefixDigestTest {
    private static final int MARK = (int) PrefixDigest.MARK_BYTES_MIN;

    private static String sha256(byte[] bytes, int length) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(bytes, 0, length);
        return HexFormat.of().formatHex(digest.digest());
    }

    @Test
    void isWhatOtherToolsPrintOfTheSameBytesZerosIncluded() throws Exception {
        byte[] bytes = new byte[MARK + 70_000];
        new Random(1).nextBytes(bytes);
        java.util.Arrays.fill(bytes, 1000, MARK, (byte) 0);
        PrefixDigest digest = PrefixDigest.start(0);
        digest.add(ByteBuffer.wrap(bytes, 0, 1000));
        digest.addZeros(MARK - 1000);
        digest.add(ByteBuffer.wrap(bytes, MARK, 70_000));
        digest.mark();
        assertEquals(sha256(bytes, 0), digest.sumAt(0));
        assertEquals(sha256(bytes, MARK), digest.sumAt(MARK), "marked by itself");
        assertEquals(sha256(bytes, bytes.length), digest.sumAt(bytes.length));
        assertEquals(MARK, digest.markUpTo(bytes.length - 1));
        assertThrows(IllegalArgumentException.class, () -> digest.sumAt(5));
    }

    @Test
    void aLargeDiskHasNotMoreMarksThanMemoryIsWorth() {
        assertEquals(MARK, PrefixDigest.start(4L << 40).markBytes());
        assertEquals(2L * MARK, PrefixDigest.start((4L << 40) + MARK).markBytes());
        assertEquals(32L * MARK, PrefixDigest.start(100L << 40).markBytes());
    }

    @Test
    void aForkGoesOnByItself() throws Exception {
        byte[] bytes = {1, 2, 3, 4};
        PrefixDigest digest = PrefixDigest.start(0);
        digest.add(ByteBuffer.wrap(bytes, 0, 2));
        PrefixDigest fork = digest.fork();
        digest.add(ByteBuffer.wrap(new byte[] {9, 9}));
        fork.add(ByteBuffer.wrap(bytes, 2, 2));
        fork.mark();
        assertEquals(sha256(bytes, 2), fork.sumAt(2));
        assertEquals(sha256(bytes, 4), fork.sumAt(4));
    }

    @Test
    void zerosThatAnExampleHasInTheSamePlaceAreAddedUpOnceAndCountTheSame() throws Exception {
        byte[] head = new byte[MARK];
        new Random(2).nextBytes(head);
        PrefixDigest example = PrefixDigest.start(0);
        example.add(ByteBuffer.wrap(head));
        example.addZeros(MARK);
        PrefixDigest same = PrefixDigest.startLike(example);
        same.add(ByteBuffer.wrap(head));
        same.addZeros(MARK);
        byte[] whole = java.util.Arrays.copyOf(head, 2 * MARK);
        assertEquals(sha256(whole, whole.length), same.sumAt(whole.length));
        assertEquals(-1, example.firstDifference(same));

        head[5]++;
        PrefixDigest other = PrefixDigest.startLike(example);
        other.add(ByteBuffer.wrap(head));
        other.addZeros(MARK);
        whole[5]++;
        assertEquals(sha256(whole, whole.length), other.sumAt(whole.length), "not that of the example");
        assertEquals(MARK, example.firstDifference(other));
    }

    @Test
    void tellsUpToWhereTwoReadingsWereTheSame() {
        PrefixDigest one = PrefixDigest.start(0);
        PrefixDigest two = PrefixDigest.start(0);
        one.addZeros(MARK);
        two.addZeros(MARK);
        assertEquals(-1, one.firstDifference(two));
        one.addZeros(MARK);
        assertEquals(-1, one.firstDifference(two), "what only one has read is no difference");
        byte[] other = {1};
        two.addZeros(MARK - 1);
        two.add(ByteBuffer.wrap(other));
        assertEquals(2L * MARK, one.firstDifference(two));
    }
}
