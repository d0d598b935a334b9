package io.blockseal.memory;

import java.nio.ByteBuffer;

/** Slabs from the JVM's direct memory, for when no native library is loaded: their addresses are unknown. */
public final class JvmMemorySource implements MemorySource {
    private static final int ALIGNMENT = 4096;

    @Override
    public Memory map(int lengthBytes) {
        ByteBuffer raw = ByteBuffer.allocateDirect(lengthBytes + ALIGNMENT);
        return new Memory(raw.alignedSlice(ALIGNMENT).slice(0, lengthBytes), 0);
    }
}
