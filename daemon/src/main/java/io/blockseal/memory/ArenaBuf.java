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
    private final BufferArena.Slab slab;
    private final Memory memory;
    // 0 while the superclass constructs itself: no limit but the slot's end.
    private int limitBytes;

    ArenaBuf(BufferArena arena, BufferArena.Slab slab, Memory memory) {
        super(UnpooledByteBufAllocator.DEFAULT, forNetty(memory), memory.capacity());
        this.arena = arena;
        this.slab = slab;
        this.memory = memory;
        this.limitBytes = memory.capacity();
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

    /** What it takes of its slab, with the head room and its part of what is left over there. */
    public int occupiedBytes() {
        return slab.occupiedBytes();
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

    /**
     * Lets the buffer end after {@code dataBytes} of data until it is released, so that a socket that fills it cannot
     * read past them into the next message.
     */
    public void limitData(int dataBytes) {
        limitBytes = Math.addExact(dataOffset(), dataBytes);
    }

    @Override
    public int capacity() {
        return limitBytes == 0 ? super.capacity() : limitBytes;
    }

    BufferArena.Slab slab() {
        return slab;
    }

    /** Makes the buffer fresh again: one reference, no limit, nothing to read. */
    void revive() {
        resetRefCnt();
        limitBytes = memory.capacity();
        clear();
    }

    @Override
    protected void deallocate() {
        // The slot is not freed but given back; the memory itself lives as long as the process.
        arena.giveBack(this);
    }
}
