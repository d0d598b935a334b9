package io.blockseal.server;

import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdLimits;
import io.blockseal.nbd.NbdReplyFlags;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdReplyWriter;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import org.jspecify.annotations.Nullable;

/**
 * Writes one connection's replies in the style that was negotiated.
 *
 * <p>Small replies are gathered in one buffer that leaves with the next {@link #flush}; data leave in the buffer into
 * which they were read, behind a header written into its head room. Nothing reaches the socket before {@code flush}.
 */
@HotPath("every reply is written here")
final class Replies {
    // 32 simple replies, the usual queue depth; small, because a client that does not read lets them pile up.
    private static final int GATHERED_BYTES = 512;
    /** What such a buffer costs beside its bytes, in whatever keeps it until it is sent. */
    private static final int GATHERED_COST_BYTES = 256;

    private final Channel channel;
    private final NbdReplyStyle style;
    private @Nullable ByteBuf gathered;
    private boolean unflushed;
    private long gatheredCost;

    Replies(Channel channel, NbdReplyStyle style) {
        this.channel = channel;
        this.style = style;
    }

    NbdReplyStyle style() {
        return style;
    }

    /** Success without data. */
    void success(Operation operation) {
        ByteBuf out = room(NbdLimits.EXTENDED_REPLY_BYTES);
        int at = out.writerIndex();
        int written = mayBeSimple(operation)
                ? NbdReplyWriter.simpleReply(out, at, 0, operation.cookie)
                : NbdReplyWriter.none(style, out, at, operation.cookie, operation.offset);
        out.writerIndex(at + written);
    }

    /**
     * Whether success may be a simple reply: always without chunks, never with extended headers, else for all but READ and
     * BLOCK_STATUS (NBD, "Structured reply chunk message"). A client that reads piece by piece takes it by one call instead
     * of two.
     */
    private boolean mayBeSimple(Operation operation) {
        return switch (style) {
            case SIMPLE -> true;
            case STRUCTURED -> operation.command != NbdCommand.READ && operation.command != NbdCommand.BLOCK_STATUS;
            case EXTENDED -> false;
        };
    }

    /** Failure; after chunks of data it ends the reply as well. */
    void error(Operation operation, Errno errno) {
        byte[] text = ErrorTexts.of(errno);
        ByteBuf out = room(NbdLimits.EXTENDED_REPLY_BYTES + NbdReplyWriter.ERROR_BYTES + text.length);
        int at = out.writerIndex();
        int wire = (errno == Errno.ENOMEM ? Errno.EIO : errno).wireValue();
        int written = style.isChunked()
                ? NbdReplyWriter.error(
                        style, out, at, NbdReplyFlags.DONE, operation.cookie, operation.offset, wire, text)
                : NbdReplyWriter.simpleReply(out, at, wire, operation.cookie);
        out.writerIndex(at + written);
    }

    /** One chunk with the data of {@code buf}, which belongs to the socket from now on. */
    void dataChunk(Operation operation, ArenaBuf buf, long dataOffset, int dataBytes, boolean done) {
        int flags = done ? NbdReplyFlags.DONE : NbdReplyFlags.NONE;
        int headerBytes = style.replyHeaderBytes() + NbdReplyWriter.DATA_PREFIX_BYTES;
        int at = buf.dataOffset() - headerBytes;
        NbdReplyWriter.offsetData(style, buf, at, flags, operation.cookie, operation.offset, dataOffset, dataBytes);
        write(buf.setIndex(at, buf.dataOffset() + dataBytes));
    }

    /** The header of the whole reply in front of the first part's data; the other parts follow by {@link #morePart}. */
    void wholeReply(Operation operation, ArenaBuf first, int firstBytes) {
        if (operation.streamed) {
            // The next part comes behind a flush: what is gathered would leave with that, amid the reply.
            pushGathered();
        }
        if (style.isChunked()) {
            int at = first.dataOffset() - style.replyHeaderBytes() - NbdReplyWriter.DATA_PREFIX_BYTES;
            NbdReplyWriter.offsetData(
                    style, first, at, NbdReplyFlags.DONE, operation.cookie, operation.offset, operation.offset, (int)
                            operation.length);
            write(first.setIndex(at, first.dataOffset() + firstBytes));
        } else {
            int at = first.dataOffset() - NbdLimits.SIMPLE_REPLY_BYTES;
            NbdReplyWriter.simpleReply(first, at, 0, operation.cookie);
            write(first.setIndex(at, first.dataOffset() + firstBytes));
        }
    }

    /** Data that follow what {@link #wholeReply} began. */
    void morePart(ArenaBuf part, int partBytes) {
        write(part.setIndex(part.dataOffset(), part.dataOffset() + partBytes));
    }

    /** The extents of one context, cut off where the request ends; {@code last}: no other context follows. */
    void blockStatus(Operation operation, int contextId, ExtentList extents, boolean last) {
        int count = extentsToSend(operation, extents);
        int bytes = style.replyHeaderBytes()
                + NbdReplyWriter.EXTENDED_STATUS_PREFIX_BYTES
                + count * NbdReplyWriter.extentBytes(style);
        ByteBuf out = room(bytes);
        int at = out.writerIndex();
        at += NbdReplyWriter.blockStatus(
                style,
                out,
                at,
                last ? NbdReplyFlags.DONE : NbdReplyFlags.NONE,
                operation.cookie,
                operation.offset,
                contextId,
                count);
        long left = operation.length;
        for (int i = 0; i < count; i++) {
            long length = Math.min(left, extents.lengthBytes(i));
            at += NbdReplyWriter.extent(style, out, at, length, Integer.toUnsignedLong(extents.state(i)));
            left -= length;
        }
        out.writerIndex(at);
    }

    /** Not one beyond the request: the first N-1 must sum to less than it, and a compact length has 32 bits. */
    private static int extentsToSend(Operation operation, ExtentList extents) {
        if (operation.has(NbdCommandFlags.REQ_ONE)) {
            return 1;
        }
        long left = operation.length;
        int count = 0;
        while (count < extents.count() && left > 0) {
            left -= extents.lengthBytes(count);
            count++;
        }
        return count;
    }

    /**
     * What replies without data have cost in memory since the connection began. They lie in no buffer that is budgeted, and
     * one of a few bytes costs many times that.
     */
    long gatheredCost() {
        return gatheredCost;
    }

    /** Sends all that was written since the last time. */
    void flush() {
        pushGathered();
        if (unflushed) {
            unflushed = false;
            channel.flush();
        }
    }

    boolean isUnflushed() {
        return unflushed || gathered != null;
    }

    /** Drops what was never handed to the socket; the connection is gone. */
    void discard() {
        ByteBuf out = gathered;
        gathered = null;
        if (out != null) {
            out.release();
        }
    }

    private ByteBuf room(int bytes) {
        ByteBuf out = gathered;
        if (out != null && out.writableBytes() < bytes) {
            pushGathered();
            out = null;
        }
        if (out == null) {
            int capacity = Math.max(GATHERED_BYTES, bytes);
            out = channel.alloc().directBuffer(capacity, capacity);
            gathered = out;
        }
        return out;
    }

    private void pushGathered() {
        ByteBuf out = gathered;
        if (out != null) {
            gathered = null;
            gatheredCost += out.capacity() + GATHERED_COST_BYTES;
            write(out);
        }
    }

    private void write(ByteBuf message) {
        unflushed = true;
        var unused = channel.write(message, channel.voidPromise());
    }
}
