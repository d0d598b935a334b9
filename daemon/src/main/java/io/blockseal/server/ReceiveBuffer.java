package io.blockseal.server;

import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
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
 *
 * <p>Where TLS protects the connection, what the socket brings is not what we work on: it is read into buffers of the
 * channel's allocator, and what comes out of TLS is taken over by {@link #pour}. At most one read is deciphered ahead of
 * what can be worked on.
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
    /** How much is read at once for TLS to decipher: two records, and what the allocator keeps ready. */
    private static final int SECURED_BYTES = 32 << 10;

    /** Says whether the connection wants more in this turn. */
    interface Reader {
        /** After so many bytes of the socket, whatever was in them. */
        boolean mayReadOn(long bytesRead);
    }

    private final BufferArena arena;
    private @Nullable Reader reader;
    private @Nullable ByteBuf held;
    private @Nullable ArenaBuf direct;
    /** What came out of TLS and has no place yet. */
    private @Nullable ByteBuf poured;

    private boolean secured;
    private long securedBytes;
    private long turnBytes;
    private boolean largePayloadExpected;
    private boolean wanted = true;
    private boolean withheld;
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

    /** From the next read on the socket's bytes are for TLS. */
    void secure() {
        secured = true;
    }

    boolean isSecured() {
        return secured;
    }

    /** How many bytes came for TLS so far. */
    long securedBytes() {
        return securedBytes;
    }

    /** Takes over what came out of TLS; {@link #refill} puts it where it belongs. */
    void pour(ByteBuf plain, ByteBufAllocator allocator) {
        ByteBuf before = poured;
        if (before == null) {
            poured = plain;
            return;
        }
        // Only when the socket was read although there was no room: the peer has hung up, or TLS asked for more.
        ByteBuf both = allocator.directBuffer(before.readableBytes() + plain.readableBytes());
        both.writeBytes(before).writeBytes(plain);
        before.release();
        plain.release();
        poured = both;
    }

    /** Moves on what was poured in: into the payload that is being received, or behind what is held; says if it moved. */
    boolean refill() {
        ByteBuf from = poured;
        if (from == null) {
            return false;
        }
        ByteBuf into = direct;
        if (into == null) {
            ByteBuf buf = held;
            if (buf == null || !buf.isReadable()) {
                if (buf != null) {
                    buf.release();
                }
                held = from;
                poured = null;
                return true;
            }
            into = roomBehind(buf);
        }
        int bytes = Math.min(from.readableBytes(), into.writableBytes());
        into.writeBytes(from, bytes);
        if (!from.isReadable()) {
            from.release();
            poured = null;
        }
        return bytes > 0;
    }

    private ByteBuf roomBehind(ByteBuf buf) {
        if (buf instanceof ArenaBuf) {
            if (buf.readerIndex() > 0) {
                buf.discardReadBytes();
            }
            return buf;
        }
        if (buf.readableBytes() >= BYTES) {
            // There is more than one thing to work on; what is missing is not bytes.
            return Unpooled.EMPTY_BUFFER;
        }
        ByteBuf larger = leaseFor(BYTES);
        larger.writeBytes(buf);
        buf.release();
        held = larger;
        return larger;
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
            return poured == null;
        }
        if (!buf.isReadable()) {
            held = null;
            buf.release();
            return poured == null;
        }
        if (secured) {
            return poured == null;
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
        ByteBuf left = poured;
        poured = null;
        if (left != null) {
            left.release();
        }
    }

    /** Turns reading on and off, if it is not so already. */
    void autoRead(ChannelConfig config, boolean on) {
        wanted = on;
        decide(config);
    }

    /** Whether nothing is read for now, even if it is wanted. */
    void withhold(ChannelConfig config, boolean now) {
        withheld = now;
        decide(config);
    }

    private void decide(ChannelConfig config) {
        boolean on = wanted && !withheld;
        if (autoRead != on) {
            autoRead = on;
            config.setAutoRead(on);
        }
    }

    private ArenaBuf leaseFor(int bytes) {
        ArenaBuf buf = arena.lease(BYTES);
        if (buf == null) {
            // No budget bounds them. Nothing can be read, and the connection ends.
            throw new OutOfMemoryError("no memory for what a client sends");
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
    public ByteBuf allocate(ByteBufAllocator allocator) {
        if (secured) {
            return allocator.directBuffer(SECURED_BYTES, SECURED_BYTES);
        }
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
        turnBytes = 0;
    }

    @Override
    public void incMessagesRead(int count) {
        // Messages are bytes here.
    }

    @Override
    public void lastBytesRead(int bytes) {
        lastBytesRead = bytes;
        if (bytes > 0) {
            turnBytes += bytes;
            securedBytes += secured ? bytes : 0;
        }
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
        if (current == null) {
            // While TLS is being negotiated, what comes may have to wait for a task of its own: one piece at a time.
            return autoRead && !secured;
        }
        return autoRead && current.mayReadOn(turnBytes);
    }

    @Override
    public void readComplete() {
        // The pipeline is told; that is enough.
    }
}
