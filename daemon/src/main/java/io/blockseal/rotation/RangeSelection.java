package io.blockseal.rotation;

import io.blockseal.volume.Volume;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Which ranges get new DEKs: of those from {@code first} to {@code last}, the ones whose DEK was made before an instant. A
 * rotation that is begun again with the same selection goes on where it was, as what is done has a younger DEK.
 *
 * @param first the first range
 * @param last the last range; more than there are for all
 * @param madeBefore DEKs made at this second or later stay
 */
public record RangeSelection(long first, long last, Instant madeBefore) {
    /** Some ranges. */
    public RangeSelection {
        if (first < 0 || last < first) {
            throw new IllegalArgumentException("no ranges: " + first + " to " + last);
        }
    }

    /**
     * DEKs made at this second or later are as new as is wanted. When nothing older than the rotation itself is to stay,
     * that is when the rotation begins, at {@code nowSeconds}: those of the second that is named would hide what it does.
     */
    long newSinceSeconds(long nowSeconds) {
        return Math.min(madeBefore.getEpochSecond(), nowSeconds);
    }

    /** The ranges, oldest DEK first. */
    List<Long> of(Volume volume) {
        record Aged(long range, long createdSeconds) {}

        List<Aged> found = new ArrayList<>();
        long end = Math.min(last, volume.shape().rangeCount() - 1);
        long now = volume.nowSeconds();
        for (long range = first; range <= end; range++) {
            long created = volume.dekCreatedSeconds(range);
            // A clock that was ahead once must not keep a DEK for ever.
            if (created >= 0 && (created < madeBefore.getEpochSecond() || created > now)) {
                found.add(new Aged(range, created));
            }
        }
        found.sort(Comparator.comparingLong(Aged::createdSeconds).thenComparingLong(Aged::range));
        return found.stream().map(Aged::range).toList();
    }
}
