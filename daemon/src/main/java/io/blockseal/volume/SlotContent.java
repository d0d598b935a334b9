package io.blockseal.volume;

import io.blockseal.memory.Memory;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;

/**
 * Whether a slot holds anything: a data unit of ciphertext is never all zeros, so a slot of nothing but zeros holds no
 * data, whatever the store knows of holes. On one thread.
 */
final class SlotContent {
    private static final int ALIGNMENT = 4096;

    private final BlockStore store;
    private final Memory memory = new Memory(
            ByteBuffer.allocateDirect(WrittenChunks.CHUNK_BYTES + ALIGNMENT).alignedSlice(ALIGNMENT), 0);
    private final ByteBuffer chunk = memory.bytes().slice(0, WrittenChunks.CHUNK_BYTES);

    SlotContent(BlockStore store) {
        this.store = store;
    }

    /** Whether the chunks that were written, according to {@code chunks}, are zeros; takes them from there. */
    boolean isZero(WrittenChunks chunks, long slotOffset, long slotBytes) throws StoreException {
        for (int i = 0; i < chunks.chunkCount(); i++) {
            if (chunks.take(i)) {
                long at = (long) i * WrittenChunks.CHUNK_BYTES;
                if (!isZero(slotOffset + at, (int) Math.min(WrittenChunks.CHUNK_BYTES, slotBytes - at))) {
                    return false;
                }
            }
        }
        return true;
    }

    private boolean isZero(long offset, int length) throws StoreException {
        chunk.clear().limit(length);
        store.read(offset, chunk);
        return memory.isZero(0, length);
    }
}
