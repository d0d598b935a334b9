package io.blockseal.server;

import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where one connection's socket is read into: a 64 KiB buffer for headers and small payloads, or straight into the
 * buffer of the write that is being received.
 *
 * <p>The 64 KiB buffer is leased for a read and given back as soon as all of it has been worked on, so that idle
 * connections hold none. What cannot be worked on yet stays in it, and the next read appends. Netty asks
 * {@link #allocate} before each read and hands the same buffer to the pipeline.
 */
@HotPath("every byte from a client arrives here")
final class ReceiveBuffer implements RecvByteBufAllocator, RecvByteBufAllocator.ExtendedHandle {
    /** Capacity for headers and small payloads. */
    static final int BYTES = 64 << 10;
    /** Below this a further system call costs more than the copy. */
    static final int DIRECT_BYTES_MIN = 32 << 10;
    /**
     * How much is read at once where a large payload is expected to follow its header: what comes with the header has to
     * be copied, the rest goes straight to its place.
     */
    private static final int BEFORE_LARGE_PAYLOAD_BYTES = 2 << 10;

    /** Says whether the connection wants more in this turn. */
    interface Reader {
        boolean mayReadOn();
    }

    private final BufferArena arena;
    private @Nullable Reader reader;
    private @Nullable ByteBuf held;
    private @Nullable ArenaBuf direct;
    private boolean largePayloadExpected;
    private boolean autoRead = true;
    private int lastBytesRead;
    private int attemptedBytesRead;

    ReceiveBuffer(BufferArena arena) {
        this.arena = arena;
    }

    void readBy(Reader newReader) {
        reader = newReader;
    }

    /** What was received and not worked on yet, or null if there is nothing. */
    @Nullable
    ByteBuf held() {
        return held;
    }

    /** How many such bytes there are. */
    int heldBytes() {
        ByteBuf buf = held;
        return buf == null ? 0 : buf.readableBytes();
    }

    /** The next reads fill this buffer up to its limit; null to end that. */
    void readInto(@Nullable ArenaBuf target) {
        direct = target;
    }

    /** Whether the last payload was large, which lets the next one be expected large as well. */
    void expectLargePayload(boolean expected) {
        largePayloadExpected = expected;
    }

    /**
     * Takes over what Netty has read; false if there was no room for it, which happens only after the peer has hung up
     * and means that it is lost.
     */
    @SuppressWarnings("ReferenceEquality") // Which buffer it is, not what it says.
    boolean received(ByteBuf buf) {
        if (buf == direct || buf == held) {
            // Our own reference is elsewhere; this one was for Netty.
            buf.release();
            return true;
        }
        if (held != null) {
            buf.release();
            return false;
        }
        held = buf;
        return true;
    }

    /** Takes over bytes that somebody else received before. */
    void adopt(ByteBuf bytes) {
        ByteBuf buf = leaseFor(BYTES);
        buf.writeBytes(bytes);
        bytes.release();
        held = buf;
    }

    /** Gives an empty buffer back and makes room in a full one; says whether the socket may be read on. */
    boolean settle() {
        ByteBuf buf = held;
        if (buf == null) {
            return true;
        }
        if (!buf.isReadable()) {
            held = null;
            buf.release();
            return true;
        }
        if (buf instanceof ArenaBuf slot) {
            slot.limitData(BYTES);
        }
        if (!buf.isWritable() && buf.readerIndex() > 0) {
            buf.discardReadBytes();
        }
        return buf.isWritable();
    }

    /** Drops everything. */
    void close() {
        direct = null;
        ByteBuf buf = held;
        held = null;
        if (buf != null) {
            buf.release();
        }
    }

    /** Turns reading on and off, if it is not so already. */
    void autoRead(ChannelConfig config, boolean on) {
        if (autoRead != on) {
            autoRead = on;
            config.setAutoRead(on);
        }
    }

    private ArenaBuf leaseFor(int bytes) {
        ArenaBuf buf = arena.lease(BYTES);
        if (buf == null) {
            throw new IllegalStateException("receive buffers are bounded by the number of connections");
        }
        buf.limitData(bytes);
        buf.setIndex(buf.dataOffset(), buf.dataOffset());
        return buf;
    }

    @Override
    @SuppressWarnings("deprecation") // The interface's own return type.
    public Handle newHandle() {
        return this;
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator unused) {
        ArenaBuf target = direct;
        if (target != null) {
            return target.retain();
        }
        ByteBuf buf = held;
        if (buf != null && buf.isWritable()) {
            return buf.retain();
        }
        return leaseFor(largePayloadExpected ? BEFORE_LARGE_PAYLOAD_BYTES : BYTES);
    }

    @Override
    public int guess() {
        return BYTES;
    }

    @Override
    public void reset(ChannelConfig config) {
        lastBytesRead = 0;
        attemptedBytesRead = 0;
    }

    @Override
    public void incMessagesRead(int count) {
        // Messages are bytes here.
    }

    @Override
    public void lastBytesRead(int bytes) {
        lastBytesRead = bytes;
    }

    @Override
    public int lastBytesRead() {
        return lastBytesRead;
    }

    @Override
    public void attemptedBytesRead(int bytes) {
        attemptedBytesRead = bytes;
    }

    @Override
    public int attemptedBytesRead() {
        return attemptedBytesRead;
    }

    @Override
    public boolean continueReading() {
        return lastBytesRead == attemptedBytesRead && mayReadOn();
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
        return maybeMoreData.get() && mayReadOn();
    }

    private boolean mayReadOn() {
        Reader current = reader;
        return autoRead && (current == null || current.mayReadOn());
    }

    @Override
    public void readComplete() {
        // The pipeline is told; that is enough.
    }
}
