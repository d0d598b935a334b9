package io.blockseal.memory;

import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimError;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Slabs mapped by the native library: their addresses are known, and no core dump contains them. They are cut one behind
 * another from regions of huge pages, so that the bytes of a large buffer lie in a row in memory: a disk takes such a
 * buffer by one address instead of one for each 4 KiB. No more memory is used than for the slabs, but for the rest of the
 * last huge page of each region. From any thread.
 */
public final class ShimMemorySource implements MemorySource {
    /** Address space; memory comes with the slabs. Where the system does not overcommit, it counts all the same. */
    private static final int REGION_BYTES = 64 << 20;

    private static final int ALIGNMENT = 4096;
    private static final long NONE = 0;

    private final Shim shim;
    /** What is left of the last region. */
    private long next;

    private int leftBytes;
    /** Pieces for which there was no memory. They lie in pages with others, and so can only wait for it. */
    private final List<Piece> kept = new ArrayList<>();

    /** A source that maps through {@code shim}. */
    public ShimMemorySource(Shim shim) {
        this.shim = shim;
    }

    @Override
    public Memory map(int lengthBytes) {
        long address = cut(lengthBytes);
        // Touched now, so that the first request over a page does not wait for the kernel to clear it, and outside of
        // the lock, so that one loop's wait for memory is not the others'.
        if (address == NONE) {
            address = check(shim.map(lengthBytes, Shim.MAP_PREFAULT), lengthBytes);
        } else {
            touch(address, lengthBytes);
        }
        return new Memory(OffHeap.at(address, lengthBytes).buffer(), address);
    }

    private void touch(long address, int bytes) {
        int result = shim.populate(address, bytes);
        if (result < 0) {
            keep(new Piece(address, whole(bytes)));
        }
        check(result, bytes);
    }

    private synchronized void keep(Piece piece) {
        kept.add(piece);
    }

    /** A piece of a region, perhaps not touched yet. NONE if it is too large for one, or if address space is short. */
    private synchronized long cut(int bytes) {
        if (bytes > REGION_BYTES) {
            return NONE;
        }
        int whole = whole(bytes);
        for (Iterator<Piece> pieces = kept.iterator(); pieces.hasNext(); ) {
            Piece piece = pieces.next();
            if (piece.bytes == whole) {
                pieces.remove();
                return piece.address;
            }
        }
        if (whole > leftBytes) {
            long region = shim.reserve(REGION_BYTES);
            if (region < 0) {
                return NONE;
            }
            next = region;
            leftBytes = REGION_BYTES;
        }
        long address = next;
        next += whole;
        leftBytes -= whole;
        return address;
    }

    private static int whole(int bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private static long check(long result, int bytes) {
        if (result < 0) {
            throw new OutOfMemoryError("cannot map " + bytes + " bytes: " + ShimError.describe(result));
        }
        return result;
    }

    /** Whole pages of a region. */
    private record Piece(long address, int bytes) {}
}
