package io.blockseal.fault;

import io.blockseal.volume.RangeWord;
import org.jspecify.annotations.Nullable;

/**
 * What was seen of a volume that was opened after a crash.
 *
 * @param refusal why it did not open, or null
 * @param rangeCount how many ranges it has
 * @param words each range's word
 * @param sectors what each sector that was looked at holds, by its number; {@link #UNSEEN} for others
 * @param openedAt position in the journal of what was found when opening was over, repairs included
 * @param complaint what went wrong when the volume was written to, read back and opened again; else empty
 * @param extra what the case asked for besides
 */
record Sight(
        @Nullable Exception refusal,
        int rangeCount,
        long[] words,
        int[] sectors,
        int openedAt,
        String complaint,
        @Nullable Object extra) {
    static final int UNSEEN = Integer.MIN_VALUE;

    static Sight refused(Exception why, @Nullable Object extra) {
        return new Sight(why, 0, new long[0], new int[0], 0, "", extra);
    }

    boolean opened() {
        return refusal == null;
    }

    int state(int range) {
        return RangeWord.state(words[range]);
    }

    long generation(int range) {
        return Integer.toUnsignedLong(RangeWord.generation(words[range]));
    }
}
