package io.blockseal.memory;

import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimError;

/** Slabs mapped by the native library: their addresses are known, and no core dump contains them. */
public final class ShimMemorySource implements MemorySource {
    private final Shim shim;

    /** A source that maps through {@code shim}. */
    public ShimMemorySource(Shim shim) {
        this.shim = shim;
    }

    @Override
    public Memory map(int lengthBytes) {
        // Touched now, so that the first request over a page does not wait for the kernel to clear it.
        long address = shim.map(lengthBytes, Shim.MAP_PREFAULT);
        if (address < 0) {
            throw new OutOfMemoryError("cannot map " + lengthBytes + " bytes: " + ShimError.describe(address));
        }
        return new Memory(OffHeap.at(address, lengthBytes).buffer(), address);
    }
}
