package io.blockseal.rotation;

import io.blockseal.block.Errno;
import io.blockseal.memory.Memory;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.RangeMove;
import io.blockseal.volume.WrittenChunks;
import java.nio.ByteBuffer;

/**
 * Copies chunks of a range from its old slot to its new one, deciphered under the old DEK and enciphered under the new.
 * Units that were never written are zeros on the store and stay zeros. On the rotation's thread.
 */
final class SlotCopy {
    private final RangeMove move;
    private final BlockStore store;
    private final Memory memory;
    private final ByteBuffer bytes;
    private final int unitBytes;
    /** Whether anything but zeros may lie in a chunk of the new slot by now. */
    private final boolean[] written;

    /** {@code memory} has room for a chunk, aligned as the store wants it. */
    SlotCopy(RangeMove move, Memory memory) {
        this.move = move;
        this.store = move.store();
        this.memory = memory;
        this.bytes = memory.bytes().slice(0, WrittenChunks.CHUNK_BYTES);
        this.unitBytes = move.shape().unitBytes();
        this.written = new boolean[move.chunks().chunkCount()];
    }

    /** Copies one chunk as it is now; whoever calls this has taken it from {@link RangeMove#chunks} before. */
    void copy(int chunk) throws StoreException {
        long offset = (long) chunk * WrittenChunks.CHUNK_BYTES;
        int length = (int) Math.min(WrittenChunks.CHUNK_BYTES, move.shape().rangeBytes() - offset);
        bytes.clear().limit(length);
        store.read(move.fromOffset() + offset, bytes);
        boolean again = written[chunk];
        // Set before anything is written: what fails half-way is there in part.
        written[chunk] = true;
        int unitCount = length / unitBytes;
        int unit = 0;
        while (unit < unitCount) {
            boolean zeros = isZero(unit);
            int end = unit + 1;
            while (end < unitCount && isZero(end) == zeros) {
                end++;
            }
            if (!zeros) {
                cipher(offset, unit, end);
            } else if (again) {
                clear(offset, unit, end);
            }
            unit = end;
        }
    }

    private boolean isZero(int unit) {
        return memory.isZero(unit * unitBytes, unitBytes);
    }

    private void clear(long offset, int unit, int end) throws StoreException {
        store.zero(move.toOffset() + offset + (long) unit * unitBytes, (long) (end - unit) * unitBytes);
    }

    private void cipher(long offset, int unit, int end) throws StoreException {
        int from = unit * unitBytes;
        int count = end - unit;
        long firstUnit = move.firstUnit() + offset / unitBytes + unit;
        move.xts().decrypt(move.oldDek(), memory, from, unitBytes, firstUnit, count);
        move.enciphered((long) count * unitBytes);
        if (move.xts().encrypt(move.newDek(), memory, from, unitBytes, firstUnit, count)) {
            // Once in 2^4096 writes at the most: a unit that would read as never written. Another DEK gives another.
            throw new StoreException(Errno.EIO, store.name() + ": a unit came out as zeros; try again");
        }
        store.write(move.toOffset() + offset + from, bytes.slice(from, count * unitBytes));
    }
}
