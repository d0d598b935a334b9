package io.blockseal.device;

import io.blockseal.block.ExtentList;
import io.blockseal.block.ExtentMap;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.table.RangeWord;

/**
 * Under which of its DEKs each range of a volume is enciphered now: the first is 1; 0 where there is none yet, or where it
 * was destroyed. An answer ends after a bounded amount of looking, as that of {@link StatusWalk} does.
 */
public final class DekGenerations implements ExtentMap {
    /** What clients call it. */
    public static final String CONTEXT = "blockseal:dek-generation";

    private final DataPlane volume;

    /** Of an open volume. */
    public DekGenerations(DataPlane volume) {
        this.volume = volume;
    }

    @Override
    public void fill(long offset, long lengthBytes, ExtentList out) {
        long rangeBytes = volume.shape().rangeBytes();
        long end = offset + lengthBytes;
        long at = offset;
        boolean taken = true;
        for (int ranges = 0; at < end && taken && ranges < StatusWalk.RANGES_MAX; ranges++) {
            long range = at / rangeBytes;
            long next = Math.min(end, (range + 1) * rangeBytes);
            long word = volume.word(range);
            taken = out.add(next - at, RangeWord.state(word) == RangeWord.ACTIVE ? RangeWord.generation(word) : 0);
            at = next;
        }
    }
}
