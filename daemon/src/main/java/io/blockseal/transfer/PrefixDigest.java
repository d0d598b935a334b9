package io.blockseal.transfer;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * SHA-256 of a disk from its beginning, and what the sum was at every {@link #MARK_BYTES} on the way: so two readings can
 * be compared while they run, a difference can be placed, and a copy can be gone on with.
 *
 * <p>One thread at a time adds bytes, in their order; anybody may ask for the sums.
 */
final class PrefixDigest {
    /** How far apart the sums are that are kept. */
    static final long MARK_BYTES = 64L << 20;

    private static final byte[] ZEROS = new byte[64 << 10];

    private final MessageDigest digest;
    private final ConcurrentNavigableMap<Long, byte[]> sums = new ConcurrentSkipListMap<>();
    private long position;

    private PrefixDigest(MessageDigest digest, long position) {
        this.digest = digest;
        this.position = position;
        mark();
    }

    /** Of nothing yet. */
    static PrefixDigest start() {
        try {
            return new PrefixDigest(MessageDigest.getInstance("SHA-256"), 0);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }

    /** Another that begins where this one is, with its sums. */
    PrefixDigest fork() {
        PrefixDigest fork = new PrefixDigest(copy(), position);
        fork.sums.putAll(sums);
        return fork;
    }

    /** Adds bytes. */
    void add(ByteBuffer bytes) {
        position += bytes.remaining();
        digest.update(bytes);
        markIfDue();
    }

    /** Adds that many zeros; they do not reach beyond the next mark. */
    void addZeros(long count) {
        for (long left = count; left > 0; left -= ZEROS.length) {
            digest.update(ZEROS, 0, (int) Math.min(left, ZEROS.length));
        }
        position += count;
        markIfDue();
    }

    private void markIfDue() {
        if (position % MARK_BYTES == 0) {
            mark();
        }
    }

    /** Keeps the sum of what was added so far. */
    void mark() {
        sums.put(position, copy().digest());
    }

    private MessageDigest copy() {
        try {
            return (MessageDigest) digest.clone();
        } catch (CloneNotSupportedException impossible) {
            throw new IllegalStateException("SHA-256 of this Java cannot be continued from a copy", impossible);
        }
    }

    /** The last place up to {@code offset} whose sum is known. */
    long markUpTo(long offset) {
        return sums.floorKey(offset);
    }

    /** The sum of all bytes before {@code offset}, a place that was marked, in hex. */
    String sumAt(long offset) {
        byte[] sum = sums.get(offset);
        if (sum == null) {
            throw new IllegalArgumentException("no sum was kept at " + offset);
        }
        return HexFormat.of().formatHex(sum);
    }

    /** Where the first of the sums that both know and that differ stands; -1 if there is none. */
    long firstDifference(PrefixDigest other) {
        for (Map.Entry<Long, byte[]> mine : sums.entrySet()) {
            byte[] theirs = other.sums.get(mine.getKey());
            if (theirs != null && !Arrays.equals(mine.getValue(), theirs)) {
                return mine.getKey();
            }
        }
        return -1;
    }
}
