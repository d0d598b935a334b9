package io.blockseal.shim;

import com.kenai.jffi.MemoryIO;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A piece of memory with an address: little-endian reads and writes at checked offsets, for parameter blocks, results and
 * tests. Not for the data path, which works on bare addresses, and not for keys: the memory is neither locked nor wiped
 * by itself.
 *
 * <p>Memory from {@link #allocate} lives as long as this object does; keep a reference while native code uses the
 * address. Not thread-safe.
 */
public final class OffHeap {
    private static final int ALIGNMENT_BYTES = 64;

    private final ByteBuffer buffer;
    private final long address;

    private OffHeap(ByteBuffer buffer, long address) {
        this.buffer = buffer.order(ByteOrder.LITTLE_ENDIAN);
        this.address = address;
    }

    /** Zeroed memory of its own, aligned to 64 bytes. */
    public static OffHeap allocate(int lengthBytes) {
        int roundedBytes = Math.multiplyExact(lengthBytes / ALIGNMENT_BYTES + 2, ALIGNMENT_BYTES);
        ByteBuffer aligned = ByteBuffer.allocateDirect(roundedBytes)
                .alignedSlice(ALIGNMENT_BYTES)
                .slice(0, lengthBytes);
        return new OffHeap(aligned, MemoryIO.getInstance().getDirectBufferAddress(aligned));
    }

    /** A view of memory that somebody else owns and must keep. */
    public static OffHeap at(long address, int lengthBytes) {
        return new OffHeap(MemoryIO.getInstance().newDirectByteBuffer(address, lengthBytes), address);
    }

    public long address() {
        return address;
    }

    /** The address of the byte at {@code offset}, which must lie inside or just behind the end. */
    public long address(int offset) {
        if (offset < 0 || offset > buffer.capacity()) {
            throw new IndexOutOfBoundsException("offset " + offset + " of " + buffer.capacity());
        }
        return address + offset;
    }

    public int length() {
        return buffer.capacity();
    }

    /** The same memory as a buffer with its own position. */
    public ByteBuffer buffer() {
        return buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    public byte getByte(int offset) {
        return buffer.get(offset);
    }

    public OffHeap putByte(int offset, int value) {
        buffer.put(offset, (byte) value);
        return this;
    }

    public int getInt(int offset) {
        return buffer.getInt(offset);
    }

    public OffHeap putInt(int offset, int value) {
        buffer.putInt(offset, value);
        return this;
    }

    public long getLong(int offset) {
        return buffer.getLong(offset);
    }

    public OffHeap putLong(int offset, long value) {
        buffer.putLong(offset, value);
        return this;
    }

    /** Copies {@code lengthBytes} bytes from {@code offset} on out to the heap. */
    public byte[] get(int offset, int lengthBytes) {
        byte[] bytes = new byte[lengthBytes];
        buffer.get(offset, bytes);
        return bytes;
    }

    public OffHeap put(int offset, byte[] bytes) {
        buffer.put(offset, bytes);
        return this;
    }

    /** Overwrites everything with zeros. */
    public OffHeap wipe() {
        for (int i = 0; i < buffer.capacity(); i++) {
            buffer.put(i, (byte) 0);
        }
        return this;
    }
}
