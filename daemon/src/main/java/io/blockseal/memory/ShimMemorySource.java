package io.blockseal.memory;

import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimError;

/**
 * Slabs mapped by the native library: their addresses are known, and no core dump contains them. They are cut one behind
 * another from regions of huge pages, so that the bytes of a large buffer lie in a row in memory: a disk takes such a
 * buffer by one address instead of one for each 4 KiB. No more memory is used than for the slabs, but for the rest of the
 * last huge page. From any thread.
 */
public final class ShimMemorySource implements MemorySource {
    /** Address space alone. */
    private static final int REGION_BYTES = 64 << 20;

    private static final int PAGE_BYTES = 4096;
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
    public synchronized Memory map(int lengthBytes) {
        long address = ofRegion((lengthBytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
        if (address == NONE) {
            // Touched now, so that the first request over a page does not wait for the kernel to clear it.
            address = check(shim.map(lengthBytes, Shim.MAP_PREFAULT), lengthBytes);
        }
        return new Memory(OffHeap.at(address, lengthBytes).buffer(), address);
    }

    /** Likewise touched; NONE where address space is short. */
    private long ofRegion(int bytes) {
        if (bytes > leftBytes) {
            long region = bytes <= REGION_BYTES ? shim.reserve(REGION_BYTES) : NONE;
            if (region <= NONE) {
                return NONE;
            }
            next = region;
            leftBytes = REGION_BYTES;
        }
        check(shim.populate(next, bytes), bytes);
        long address = next;
        next += bytes;
        leftBytes -= bytes;
        return address;
    }

    private static long check(long result, int bytes) {
        if (result < 0) {
            throw new OutOfMemoryError("cannot map " + bytes + " bytes: " + ShimError.describe(result));
        }
        return result;
    }
}
