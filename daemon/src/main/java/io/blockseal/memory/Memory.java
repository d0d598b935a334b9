package io.blockseal.memory;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A stretch of off-heap memory, seen both as a buffer (for Java) and as an address (for native code).
 *
 * <p>The buffer's position and limit are never moved: everybody reads and writes by absolute index, so that one
 * {@code Memory} may be used by several threads on disjoint bytes. The address is 0 when no native library is there to
 * use it.
 */
public final class Memory {
    private final ByteBuffer bytes;
    private final long address;

    /** Wraps a direct buffer whose byte 0 lies at {@code address}; little-endian from here on. */
    public Memory(ByteBuffer directBytes, long address) {
        if (!directBytes.isDirect()) {
            throw new IllegalArgumentException("native code cannot see heap memory");
        }
        this.bytes = directBytes.slice().order(ByteOrder.LITTLE_ENDIAN);
        this.address = address;
    }

    /** All bytes, for absolute access only; little-endian. */
    public ByteBuffer bytes() {
        return bytes;
    }

    /** Where byte 0 lies, or 0 if that is not known. */
    public long address() {
        return address;
    }

    /** How many bytes there are. */
    public int capacity() {
        return bytes.capacity();
    }

    /** Sets {@code length} bytes from {@code offset} to zero. */
    public void zero(int offset, int length) {
        int i = offset;
        int end = offset + length;
        for (; i + Long.BYTES <= end; i += Long.BYTES) {
            bytes.putLong(i, 0L);
        }
        for (; i < end; i++) {
            bytes.put(i, (byte) 0);
        }
    }

    /** Whether {@code length} bytes from {@code offset} are all zero. */
    public boolean isZero(int offset, int length) {
        int i = offset;
        int end = offset + length;
        for (; i + Long.BYTES <= end; i += Long.BYTES) {
            if (bytes.getLong(i) != 0) {
                return false;
            }
        }
        for (; i < end; i++) {
            if (bytes.get(i) != 0) {
                return false;
            }
        }
        return true;
    }
}
