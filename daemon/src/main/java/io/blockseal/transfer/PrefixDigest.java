package io.blockseal.transfer;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * SHA-256 of a disk from its beginning, and what the sum was at every {@link #markBytes} on the way: so two readings can
 * be compared while they run, a difference can be placed, and a copy can be gone on with.
 *
 * <p>One thread at a time adds bytes, in their order; anybody may ask for the sums.
 */
final class PrefixDigest {
    /** How far apart the sums are that are kept, on a disk of up to 4 TiB. */
    static final long MARK_BYTES_MIN = 64L << 20;

    private static final long MARKS_MAX = 1 << 16;

    private static final byte[] ZEROS = new byte[64 << 10];

    private final long markBytes;
    private MessageDigest digest;
    private final ConcurrentNavigableMap<Long, byte[]> sums = new ConcurrentSkipListMap<>();
    /** By where they end: how the sum stood behind zeros that reach from one mark to the next. */
    private final Map<Long, MessageDigest> behindZeros = new ConcurrentHashMap<>();

    private final @Nullable PrefixDigest example;
    private long position;

    private PrefixDigest(long markBytes, MessageDigest digest, long position, @Nullable PrefixDigest example) {
        this.markBytes = markBytes;
        this.digest = digest;
        this.position = position;
        this.example = example;
        mark();
    }

    /** Of nothing yet, on a disk of that size. */
    static PrefixDigest start(long lengthBytes) {
        long markBytes = MARK_BYTES_MIN;
        while (lengthBytes / markBytes > MARKS_MAX) {
            markBytes *= 2;
        }
        return start(markBytes, null);
    }

    /**
     * Likewise, for bytes that are expected to be those of {@code example}: where both have long zeros behind the same
     * beginning, these are added up once for both.
     */
    static PrefixDigest startLike(PrefixDigest example) {
        return start(example.markBytes, example);
    }

    private static PrefixDigest start(long markBytes, @Nullable PrefixDigest example) {
        try {
            return new PrefixDigest(markBytes, MessageDigest.getInstance("SHA-256"), 0, example);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }

    /** Another that begins where this one is, with its sums, and is expected to become the same. */
    PrefixDigest fork() {
        PrefixDigest fork = new PrefixDigest(markBytes, copy(digest), position, this);
        fork.sums.putAll(sums);
        return fork;
    }

    /** How far apart the sums are that are kept: a power of two. */
    long markBytes() {
        return markBytes;
    }

    /** Adds bytes, not beyond the next mark. */
    void add(ByteBuffer bytes) {
        position += bytes.remaining();
        digest.update(bytes);
        markIfDue();
    }

    /** Adds that many zeros; they do not reach beyond the next mark. */
    void addZeros(long count) {
        boolean whole = count == markBytes && position % markBytes == 0;
        MessageDigest known = whole ? knownBehindZeros() : null;
        if (known != null) {
            digest = copy(known);
        } else {
            for (long left = count; left > 0; left -= ZEROS.length) {
                digest.update(ZEROS, 0, (int) Math.min(left, ZEROS.length));
            }
        }
        position += count;
        markIfDue();
        if (whole) {
            behindZeros.put(position, copy(digest));
        }
    }

    private @Nullable MessageDigest knownBehindZeros() {
        PrefixDigest other = example;
        boolean sameBefore = other != null && Arrays.equals(sums.get(position), other.sums.get(position));
        return other == null || !sameBefore ? null : other.behindZeros.get(position + markBytes);
    }

    private void markIfDue() {
        if (position % markBytes == 0) {
            mark();
        }
    }

    /** Keeps the sum of what was added so far. */
    void mark() {
        sums.put(position, copy(digest).digest());
    }

    private static MessageDigest copy(MessageDigest original) {
        try {
            return (MessageDigest) original.clone();
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
