package io.blockseal.fault;

import io.blockseal.volume.table.RangeWord;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What was seen of a volume that was opened after a crash.
 *
 * @param refusal why it did not open, or null
 * @param rangeCount how many ranges it has
 * @param ranges those that were looked at
 * @param openedAt position in the journal of what was found when opening was over, repairs included
 * @param complaint what went wrong when the volume was written to, read back and opened again; else empty
 * @param extra what the case asked for besides
 */
record Sight(
        @Nullable Exception refusal,
        int rangeCount,
        Map<Integer, OfRange> ranges,
        int openedAt,
        String complaint,
        @Nullable Object extra) {
    /** A sector that was not looked at. */
    static final int UNSEEN = Integer.MIN_VALUE;

    /** One range: its word, and what each of its sectors holds. */
    record OfRange(long word, int[] sectors) {}

    static Sight refused(Exception why) {
        return new Sight(why, 0, Map.of(), 0, "", null);
    }

    boolean opened() {
        return refusal == null;
    }

    /** Of a range that was looked at. */
    int state(int range) {
        return RangeWord.state(ranges.get(range).word());
    }

    /** Of a range that was looked at. */
    long generation(int range) {
        return Integer.toUnsignedLong(RangeWord.generation(ranges.get(range).word()));
    }

    /** Whether a data unit was torn when it was written for the first time. */
    boolean hasTornHoles() {
        return ranges.values().stream()
                .anyMatch(range -> IntStream.of(range.sectors()).anyMatch(at -> at == SectorContent.TORN_HOLE));
    }

    /** What a sector of a range that was looked at holds. */
    int content(int sector) {
        return ranges.get(sector / Layout.SECTORS_PER_RANGE).sectors()[sector % Layout.SECTORS_PER_RANGE];
    }
}
