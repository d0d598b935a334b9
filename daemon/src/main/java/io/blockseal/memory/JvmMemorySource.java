package io.blockseal.memory;

import java.nio.ByteBuffer;

/** Slabs from the JVM's direct memory, for when no native library is loaded: their addresses are unknown. */
public final class JvmMemorySource implements MemorySource {
    private static final int ALIGNMENT = 4096;

    @Override
    public Memory map(int lengthBytes) {
        // An aligned slice loses what does not fill a page at either end.
        int pages = (lengthBytes + ALIGNMENT - 1) / ALIGNMENT + 1;
        ByteBuffer raw = ByteBuffer.allocateDirect(pages * ALIGNMENT);
        return new Memory(raw.alignedSlice(ALIGNMENT).slice(0, lengthBytes), 0);
    }
}
