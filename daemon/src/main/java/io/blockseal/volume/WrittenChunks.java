package io.blockseal.volume;

import io.blockseal.block.HotPath;
import io.blockseal.volume.table.AtomicBits;

/**
 * Which chunks of a slot have to be copied, or copied again because a guest changed them: a bit for each. Loops set bits
 * when a change has reached the store, the copying thread takes them before it reads the chunk; so a change that comes
 * during or after its copy is seen in the next round.
 */
@HotPath("noted by every write to a range that is being copied")
public final class WrittenChunks {
    /** Bytes of a chunk. */
    public static final int CHUNK_BYTES = 64 << 10;

    private static final int CHUNK_SHIFT = 16;

    private final long slotOffset;
    private final long slotBytes;
    private final int chunkCount;
    private final AtomicBits bits;

    /** All chunks of the slot, set: nothing of it was copied yet. */
    public WrittenChunks(long slotOffset, long slotBytes) {
        this.slotOffset = slotOffset;
        this.slotBytes = slotBytes;
        chunkCount = (int) (((slotBytes - 1) >> CHUNK_SHIFT) + 1);
        bits = new AtomicBits(chunkCount);
        mark(slotOffset, slotBytes);
    }

    /** Bytes of the store were changed, or may have been; what does not lie in the slot is none of ours. */
    public void mark(long physicalOffset, long lengthBytes) {
        long from = Math.max(physicalOffset - slotOffset, 0);
        long to = Math.min(physicalOffset + lengthBytes - slotOffset, slotBytes);
        for (long chunk = from >> CHUNK_SHIFT; (chunk << CHUNK_SHIFT) < to; chunk++) {
            bits.set(chunk);
        }
    }

    /** Takes the bit of a chunk: whether it has to be copied. To be called before the chunk is read. */
    public boolean take(int chunk) {
        return bits.take(chunk);
    }

    /** How many chunks have to be copied; a guest may add to them at any time. */
    public int count() {
        return bits.count();
    }

    /** How many chunks the slot has. */
    public int chunkCount() {
        return chunkCount;
    }
}
