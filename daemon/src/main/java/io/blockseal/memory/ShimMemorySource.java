package io.blockseal.memory;

import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;

/** Slabs mapped by the native shim: no core dump contains them, and native code knows their addresses. */
public final class ShimMemorySource implements MemorySource {
    private final Shim shim;

    /** Maps by this shim. */
    public ShimMemorySource(Shim shim) {
        this.shim = shim;
    }

    @Override
    public Memory map(int lengthBytes) {
        long address = shim.map(lengthBytes, 0);
        if (address < 0 && address > -4096) {
            throw new OutOfMemoryError(
                    "cannot map " + lengthBytes + " bytes for buffers (system error " + -address + ")");
        }
        return new Memory(OffHeap.at(address, lengthBytes).buffer(), address);
    }
}
