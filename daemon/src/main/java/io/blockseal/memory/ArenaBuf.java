package io.blockseal.memory;

import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;
import java.nio.ByteBuffer;

/**
 * A Netty buffer over one slot of a {@link BufferArena}: head room for a reply header, then aligned room for data.
 *
 * <p>Leased with one reference and empty; {@link #release()} of the last reference gives the slot back to its arena,
 * on the arena's loop. The data begins at {@link #dataOffset()} of {@link #memory()}; the head room ends there, so that
 * a header written just before the data leaves with it in one piece.
 */
public final class ArenaBuf extends UnpooledDirectByteBuf {
    private final BufferArena arena;
    private final int sizeClass;
    private final Memory memory;

    ArenaBuf(BufferArena arena, int sizeClass, Memory memory) {
        super(UnpooledByteBufAllocator.DEFAULT, forNetty(memory), memory.capacity());
        this.arena = arena;
        this.sizeClass = sizeClass;
        this.memory = memory;
    }

    private static ByteBuffer forNetty(Memory memory) {
        ByteBuffer view = memory.bytes().duplicate();
        view.clear();
        return view;
    }

    /** The whole slot, head room included; its data part is 4096-byte aligned. */
    public Memory memory() {
        return memory;
    }

    /** Where in {@link #memory()} and in this buffer the data begins. */
    public int dataOffset() {
        return BufferArena.HEAD_ROOM_BYTES;
    }

    /** How many bytes of data fit. */
    public int dataCapacity() {
        return memory.capacity() - BufferArena.HEAD_ROOM_BYTES;
    }

    @Override
    public boolean hasMemoryAddress() {
        return memory.address() != 0;
    }

    @Override
    public long memoryAddress() {
        ensureAccessible();
        if (memory.address() == 0) {
            throw new UnsupportedOperationException("no native library, no address");
        }
        return memory.address();
    }

    int sizeClass() {
        return sizeClass;
    }

    /** Makes the buffer fresh again: one reference, nothing to read. */
    void revive() {
        resetRefCnt();
        clear();
    }

    @Override
    protected void deallocate() {
        // The slot is not freed but given back; the memory itself lives as long as the process.
        arena.giveBack(this);
    }
}
