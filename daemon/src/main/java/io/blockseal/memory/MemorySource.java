package io.blockseal.memory;

/** Where slabs come from: the native shim (never in a core dump) or the JVM. */
public interface MemorySource {
    /**
     * A new stretch of zeroed memory, 4096-byte aligned, which lives as long as the process.
     *
     * @throws OutOfMemoryError if there is none
     */
    Memory map(int lengthBytes);
}
