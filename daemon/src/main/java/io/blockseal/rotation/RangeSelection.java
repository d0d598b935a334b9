package io.blockseal.rotation;

import io.blockseal.volume.Volume;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which ranges get new DEKs: of those from {@code first} to {@code last}, the ones whose DEK was made before an instant or
 * has enciphered much. A rotation that is begun again with the same selection goes on where it was, as what is done has a
 * younger DEK, and one that has enciphered little.
 *
 * @param first the first range
 * @param last the last range; more than there are for all
 * @param madeBefore DEKs made at this second or later stay, unless they have enciphered too much; {@link #ANY_AGE} for
 *     all that have not
 * @param encipheredMin how much is too much, in bytes; {@link #ANY_AMOUNT} for nothing
 */
public record RangeSelection(long first, long last, Instant madeBefore, long encipheredMin) {
    /** No DEK is too old. */
    public static final Instant ANY_AGE = Instant.MIN;

    /** No DEK has enciphered too much. */
    public static final long ANY_AMOUNT = Long.MAX_VALUE;

    /** Some ranges. */
    public RangeSelection {
        if (first < 0 || last < first) {
            throw new IllegalArgumentException("no ranges: " + first + " to " + last);
        }
    }

    /** By age alone. */
    public RangeSelection(long first, long last, Instant madeBefore) {
        this(first, last, madeBefore, ANY_AMOUNT);
    }

    /**
     * DEKs made at this second or later are as new as is wanted. When nothing older than the rotation itself is to stay,
     * that is when the rotation begins, at {@code nowSeconds}: those of the second that is named would hide what it does.
     * Likewise where age does not matter.
     */
    long newSinceSeconds(long nowSeconds) {
        return madeBefore.equals(ANY_AGE) ? nowSeconds : Math.min(madeBefore.getEpochSecond(), nowSeconds);
    }

    /** The ranges, oldest DEK first. */
    List<Long> of(Volume volume) {
        record Aged(long range, long createdSeconds) {}

        List<Aged> found = new ArrayList<>();
        forEach(volume, (range, created) -> found.add(new Aged(range, created)));
        found.sort(Comparator.comparingLong(Aged::createdSeconds).thenComparingLong(Aged::range));
        return found.stream().map(Aged::range).toList();
    }

    /** How many ranges there are. */
    public int count(Volume volume) {
        int[] count = new int[1];
        forEach(volume, (range, created) -> count[0]++);
        return count[0];
    }

    private interface Consumer {
        void accept(long range, long createdSeconds);
    }

    private void forEach(Volume volume, Consumer consumer) {
        long end = Math.min(last, volume.shape().rangeCount() - 1);
        long now = volume.nowSeconds();
        for (long range = first; range <= end; range++) {
            long created = volume.dekCreatedSeconds(range);
            if (created >= 0 && (isTooOld(created, now) || volume.encipheredBytes(range) >= encipheredMin)) {
                consumer.accept(range, created);
            }
        }
    }

    private boolean isTooOld(long created, long now) {
        // A clock that was ahead once must not keep a DEK for ever.
        boolean fromTheFuture = created > now && !madeBefore.equals(ANY_AGE);
        return created < madeBefore.getEpochSecond() || fromTheFuture;
    }
}
