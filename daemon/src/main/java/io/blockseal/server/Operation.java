package io.blockseal.server;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdRequestHeader;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One command of a client from its header to its reply: pooled, mutable, on one loop's thread.
 *
 * <p>READ and WRITE are cut at multiples of {@link BufferArena#MAX_DATA_BYTES} of the export into parts, each a
 * {@link BlockRequest} with a buffer of its own; the other commands are one request. The operation ends when nothing more
 * will be begun for it ({@link #begun}) and no part is at the device.
 */
@HotPath("every command of every client is one of these")
final class Operation implements Completion {
    /** A command of 32 MiB touches this many parts if it does not begin at a part's border. */
    static final int PARTS_MAX = 33;
    /** Likewise, when memory is short. */
    private static final int FINE_PARTS_MAX =
            (PARTS_MAX - 1) * (BufferArena.MAX_DATA_BYTES / BufferShare.LEAST_BYTES) + 1;

    @Nullable
    NbdCommand command;

    int flags;
    long cookie;
    long offset;
    long length;
    long startedNanos;
    /** How much of the payload has been given to the device, or dropped. */
    long position;
    /** Parts at the device. */
    int pending;
    /** Nothing more will be begun. */
    boolean begun;
    /** The first thing that went wrong. */
    Errno errno = Errno.OK;
    /** Of a READ that ought to be held whole: its reply leaves piece by piece, as there is no room for all of it. */
    boolean streamed;
    /** It was let in and changes what the device holds. */
    boolean changes;
    /** Of a FLUSH: what the store had lost when it was begun. */
    long lossesBefore;
    /** Of a FLUSH: whether a change was under way when it was begun, see {@link FlushPromise}. */
    long quietMark;
    /** Of a BLOCK_STATUS: which of the selected contexts are asked for, a bit for each. */
    long contexts;
    /** What BLOCK_STATUS fills. */
    @Nullable
    ExtentList extents;

    private @Nullable CommandExecution owner;
    private int cutBytes = BufferArena.MAX_DATA_BYTES;
    private @Nullable ArenaBuf[] parts = new ArenaBuf[1];
    private int partCount;

    void open(CommandExecution newOwner, @Nullable NbdCommand newCommand, NbdRequestHeader header, long nowNanos) {
        owner = newOwner;
        command = newCommand;
        flags = header.flags();
        cookie = header.cookie();
        offset = header.offset();
        length = header.length();
        startedNanos = nowNanos;
        position = 0;
        pending = 0;
        begun = false;
        errno = Errno.OK;
        streamed = false;
        changes = false;
        extents = null;
        partCount = 0;
        cutBytes = BufferArena.MAX_DATA_BYTES;
    }

    boolean has(int flag) {
        return (flags & flag) != 0;
    }

    boolean isEnded() {
        return begun && pending == 0;
    }

    void fail(Errno reason) {
        if (errno == Errno.OK) {
            errno = reason;
        }
    }

    /** Bytes of the part that begins at {@link #position}. */
    int nextPartBytes() {
        long inPart = (offset + position) & (cutBytes - 1);
        return (int) Math.min(length - position, cutBytes - inPart);
    }

    /** Parts that begin from now on are cut at multiples of a power of two. Not while one has its buffer and is not begun. */
    void cutAt(int bytes) {
        cutBytes = bytes;
    }

    /** Bytes of the largest part of the whole payload. */
    long largestPartBytes() {
        return Math.min(length, BufferArena.MAX_DATA_BYTES);
    }

    /** How many parts the whole payload has. */
    int partsInAll() {
        long inPart = offset & (BufferArena.MAX_DATA_BYTES - 1);
        return (int) ((inPart + length + BufferArena.MAX_DATA_BYTES - 1) / BufferArena.MAX_DATA_BYTES);
    }

    /** Whether every byte has to be there before the first goes out. */
    boolean isHeldWhole(boolean chunked) {
        return !chunked || has(NbdCommandFlags.DF);
    }

    /** Room for {@code count} parts, to be filled by an arena. */
    @Nullable
    ArenaBuf[] roomFor(int count) {
        if (count > parts.length) {
            grow();
        }
        return parts;
    }

    private void grow() {
        // A copy: with a store that answers later, the first part is still at the device when the second is added.
        parts = Arrays.copyOf(parts, parts.length < PARTS_MAX ? PARTS_MAX : FINE_PARTS_MAX);
    }

    /** Keeps the buffer of the next part; the operation owns it now. */
    int addPart(ArenaBuf buf) {
        int index = partCount++;
        roomFor(partCount)[index] = buf;
        return index;
    }

    /** Says that {@code count} buffers were leased straight into {@link #roomFor}. */
    void addedParts(int count) {
        partCount = count;
    }

    int partCount() {
        return partCount;
    }

    ArenaBuf part(int index) {
        ArenaBuf buf = parts[index];
        if (buf == null) {
            throw new IllegalStateException("part " + index + " has no buffer");
        }
        return buf;
    }

    /** Hands the buffer of a part over to the caller. */
    ArenaBuf takePart(int index) {
        ArenaBuf buf = part(index);
        parts[index] = null;
        return buf;
    }

    /** Gives back the buffers that are still here. */
    void releaseParts() {
        for (int i = 0; i < partCount; i++) {
            ArenaBuf buf = parts[i];
            if (buf != null) {
                parts[i] = null;
                buf.release();
            }
        }
        partCount = 0;
    }

    @Override
    public void onComplete(BlockRequest request, long token) {
        CommandExecution execution = owner;
        if (execution == null) {
            throw new IllegalStateException("completed after its end: " + request.describe());
        }
        execution.partEnded(this, request, (int) token);
    }

    /** Lets go of the connection; the pool may lend the operation again. */
    void close() {
        owner = null;
        extents = null;
    }
}
