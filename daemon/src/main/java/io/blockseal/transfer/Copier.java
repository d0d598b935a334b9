package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Reads a stretch of one device, adds it up in order, and writes it to another, or to none. Many pieces are under way at
 * once; holes are neither read nor, if the target was blank, written.
 *
 * <p>Made, started and closed on the loop that owns both channels; all else there happens on it, too, but the sum, which
 * has a thread of its own. The thread that runs the transfer says every now and then by {@link #grant} that it may go on,
 * looks at {@link #settledUpTo}, and waits for {@link #over}.
 */
@HotPath("every piece of a transfer passes here")
final class Copier implements Completion {
    /** The most that one request carries. */
    static final int PIECE_BYTES = BufferArena.MAX_DATA_BYTES;

    /** Holes smaller than this are read like the data around them. */
    private static final int HOLE_BYTES_MIN = 64 << 10;

    private static final int DEPTH = 16;
    private static final int EXTENTS = 512;
    private static final long STATUS_BYTES = 16L << 30;
    private static final long GRANT_NANOS = 1_000_000_000L;

    private final IoLoop loop;
    private final BlockChannel source;
    private final @Nullable BlockChannel target;
    private final boolean ordered;
    private final boolean skipsZeros;
    private final boolean zeroes;
    private final @Nullable PrefixDigest digest;
    private final Executor digester;
    private final long end;
    private final long holeBytesMax;
    private final CompletableFuture<Copier> over = new CompletableFuture<>();
    private final Runnable granting = this::granted;

    private final Piece[] pieces = new Piece[DEPTH];
    private long issued;
    private long passed;
    private long settled;

    private final ExtentList extents = new ExtentList(EXTENTS);
    private int extent;
    private long extentLeft;
    private boolean asking;
    private long position;

    private boolean pumping;
    private boolean again;
    private boolean stopped;
    private long grantedNanos;

    private volatile long settledUpTo;
    private volatile long dataBytes;
    private Errno errno = Errno.OK;
    private long failedOffset = -1;
    private boolean failedReading;

    /**
     * Ready to copy {@code begin} up to {@code end}.
     *
     * @param to where to, or null to read only
     * @param blank whether the target is all zeros there
     * @param digest takes every byte in order; or null
     * @param digester runs one task at a time, in their order
     */
    Copier(
            Lane from,
            @Nullable Lane to,
            long begin,
            long end,
            boolean blank,
            @Nullable PrefixDigest digest,
            Executor digester) {
        this.loop = from.loop();
        this.source = from.channel();
        this.target = to == null ? null : to.channel();
        this.ordered = to != null && to.side().isStream();
        this.skipsZeros = blank && !ordered;
        this.zeroes = to != null && to.side().kind() == Side.Kind.DISK;
        this.digest = digest;
        this.digester = digester;
        this.end = end;
        this.holeBytesMax = digest == null ? PrefixDigest.MARK_BYTES_MIN : digest.markBytes();
        this.position = begin;
        this.settledUpTo = begin;
        this.grantedNanos = System.nanoTime() - GRANT_NANOS;
        for (int i = 0; i < DEPTH; i++) {
            ArenaBuf buf = loop.buffers().lease(PIECE_BYTES);
            if (buf == null) {
                throw new IllegalStateException("the loop of a transfer has no buffers left");
            }
            pieces[i] = new Piece(this, buf);
        }
    }

    /** Everything before this is on the target, not yet durably. From any thread. */
    long settledUpTo() {
        return settledUpTo;
    }

    /** How many bytes were written that were not zeros, or read if there is no target. From any thread. */
    long dataBytes() {
        return dataBytes;
    }

    /** Completes when nothing is under way any more: all is done, or it was stopped, or something failed. */
    CompletableFuture<Copier> over() {
        return over;
    }

    /** How it ended: OK also if it was stopped. After {@link #over}. */
    Errno errno() {
        return errno;
    }

    /** Where the request that failed began. */
    long failedOffset() {
        return failedOffset;
    }

    /** Whether it was the source that failed. */
    boolean failedReading() {
        return failedReading;
    }

    /** Lets it go on, for a second at most: whoever watches may be held up, and so should this be. From any thread. */
    void grant() {
        loop.execute(granting);
    }

    private void granted() {
        grantedNanos = System.nanoTime();
        pump();
    }

    /** Begins nothing new; what is under way ends. */
    void stop() {
        stopped = true;
        pump();
    }

    /** Gives the buffers back. After {@link #over}. */
    void close() {
        for (Piece piece : pieces) {
            piece.buf.release();
        }
    }

    IoLoop loop() {
        return loop;
    }

    BlockChannel source() {
        return source;
    }

    @Nullable
    BlockChannel target() {
        return target;
    }

    @Nullable
    PrefixDigest digest() {
        return digest;
    }

    /** Whether zeros need not be written. */
    boolean skipsZeros() {
        return skipsZeros;
    }

    /** Whether the target has a command that writes zeros. */
    boolean zeroes() {
        return zeroes;
    }

    /** Whether the target takes only whole pieces in their order. */
    boolean ordered() {
        return ordered;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // The loop alone writes it.
    void countData(long bytes) {
        dataBytes += bytes;
    }

    /** Something has changed: begin what may begin, pass on what is ready, see whether all is over. */
    void pump() {
        if (pumping) {
            again = true;
            return;
        }
        pumping = true;
        do {
            again = false;
            issue();
            source.kick();
            passOn();
            if (target != null) {
                target.kick();
            }
            settle();
        } while (again);
        pumping = false;
        boolean nothingLeft = position == end || stopped || errno != Errno.OK;
        if (nothingLeft && settled == issued && !asking) {
            over.complete(this);
        }
    }

    private boolean mayBegin() {
        return !stopped
                && errno == Errno.OK
                && position < end
                && issued - settled < DEPTH
                && System.nanoTime() - grantedNanos < GRANT_NANOS;
    }

    private void issue() {
        while (!asking && mayBegin()) {
            if (extent == extents.count()) {
                ask();
            } else {
                Piece piece = pieces[(int) (issued % DEPTH)];
                issued++;
                begin(piece);
            }
        }
    }

    private void ask() {
        asking = true;
        extents.clear();
        extent = 0;
        BlockRequest request = loop.requests().lease();
        request.set(Command.BLOCK_STATUS, 0, position, Math.min(end - position, STATUS_BYTES))
                .withExtents(extents)
                .push(this, 0);
        source.submit(request);
        source.kick();
    }

    /** The extents from {@link #position} are known. A device that does not tell is read in full. */
    @Override
    public void onComplete(BlockRequest request, long token) {
        boolean told = request.errno() == Errno.OK && extents.totalBytes() > 0;
        long asked = request.length();
        loop.requests().release(request);
        if (!told) {
            extents.clear();
            extents.add(asked, 0);
        }
        extentLeft = extents.lengthBytes(0);
        asking = false;
        pump();
    }

    private void begin(Piece piece) {
        boolean zero = isZero(extent) && extentLeft >= Math.min(HOLE_BYTES_MIN, end - position);
        long unit = zero && (zeroes || skipsZeros || target == null) ? holeBytesMax : PIECE_BYTES;
        long most = Math.min(end - position, unit - position % unit);
        long length = 0;
        while (length < most && extent < extents.count()) {
            boolean smallHole = isZero(extent) && extentLeft < HOLE_BYTES_MIN;
            if (zero ? !isZero(extent) : isZero(extent) && !smallHole && length > 0) {
                break;
            }
            long part = Math.min(extentLeft, most - length);
            length += part;
            extentLeft -= part;
            if (extentLeft == 0) {
                extent++;
                extentLeft = extent < extents.count() ? extents.lengthBytes(extent) : 0;
            }
        }
        long offset = position;
        position += length;
        piece.begin(offset, length, zero);
    }

    private boolean isZero(int index) {
        return (extents.state(index) & ExtentList.ZERO) != 0;
    }

    /** Pieces that were read go on in their order: to the sum if there is one, and from there to the target. */
    private void passOn() {
        while (passed < issued && pieces[(int) (passed % DEPTH)].isRead()) {
            Piece piece = pieces[(int) (passed % DEPTH)];
            passed++;
            if (errno != Errno.OK) {
                piece.abandon();
            } else if (digest == null) {
                piece.store();
            } else {
                digester.execute(piece.digesting());
            }
        }
    }

    private void settle() {
        while (settled < passed && pieces[(int) (settled % DEPTH)].isSettled()) {
            Piece piece = pieces[(int) (settled % DEPTH)];
            settled++;
            if (piece.isStored() && settledUpTo == piece.offset()) {
                settledUpTo = piece.offset() + piece.length();
            }
            again = true;
        }
    }

    /** A request failed. The earliest place counts; what is under way ends. */
    void failed(boolean reading, long offset, Errno why) {
        if (failedOffset < 0 || offset < failedOffset) {
            errno = why;
            failedOffset = offset;
            failedReading = reading;
        }
    }
}
