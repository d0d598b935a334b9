package io.blockseal.memory;

import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimError;

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
            check(shim.populate(address, lengthBytes), lengthBytes);
        }
        return new Memory(OffHeap.at(address, lengthBytes).buffer(), address);
    }

    /** A piece of a region, not touched yet. NONE if it is too large for one, or if address space is short. */
    private synchronized long cut(int bytes) {
        if (bytes > REGION_BYTES) {
            return NONE;
        }
        int whole = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
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

    private static long check(long result, int bytes) {
        if (result < 0) {
            throw new OutOfMemoryError("cannot map " + bytes + " bytes: " + ShimError.describe(result));
        }
        return result;
    }
}
