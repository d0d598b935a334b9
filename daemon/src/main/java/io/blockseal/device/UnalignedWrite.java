package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A WRITE, TRIM or WRITE_ZEROES that is not of whole blocks, or too long to hold its stripes all the time: first the
 * whole blocks in the middle, piece by piece, then the partial block at the head, then the one at the tail.
 *
 * <p>The middle comes first so that a FAST_ZERO which the store refuses has changed nothing. A buffer is leased with the
 * part's stripes held, and given back before the next part's are taken: who holds a buffer never waits for a stripe.
 */
@HotPath("every change that is not aligned")
final class UnalignedWrite extends Walk implements AlignerChannel.Parked {
    private enum State {
        /** Nothing held: decide which part comes next. */
        NEXT_PART,
        /** Taking the part's stripes, from {@link #stripePosition} on. */
        LOCK,
        /** Queued for the stripe at {@link #stripePosition}; called when it is ours. */
        LOCK_GRANTED,
        /** Stripes held: a piece of the middle that passes down as it is. */
        PASS_PIECE,
        /** Stripes held: a piece of the middle of a WRITE that must be copied into memory the store accepts. */
        COPY_PIECE,
        /** Stripe held: read the block of a partial part. */
        READ_BLOCK,
        /** Block read: change it and write it back. */
        WRITE_BLOCK,
        /** The part is done: let go. */
        PART_DONE
    }

    private static final int PIECES_PER_TURN = 64;

    private final AlignerChannel channel;
    private State state = State.NEXT_PART;
    private long middlePosition;
    private long middleEnd;
    private boolean headLeft;
    private boolean tailLeft;
    private boolean mustBeFast;
    private int piecesThisTurn;

    /** The stretch of this part that the client asked for. */
    private long partStart;

    private long partEnd;
    private boolean exclusive;
    private int stripeCount;
    private int stripePosition;
    private @Nullable ArenaBuf buf;

    UnalignedWrite(AlignerChannel channel) {
        super(channel.loop(), channel.below());
        this.channel = channel;
    }

    void start(BlockRequest request) {
        int block = channel.blockBytes();
        long start = request.offset();
        long end = start + request.length();
        middlePosition = Stretch.roundUp(start, block);
        middleEnd = Stretch.roundDown(end, block);
        headLeft = start != middlePosition;
        tailLeft = end != middleEnd && middleEnd >= middlePosition;
        mustBeFast = request.has(BlockRequest.FAST_ZERO);
        piecesThisTurn = 0;
        state = State.NEXT_PART;
        if (mustBeFast && middlePosition >= middleEnd) {
            // Reading and writing back a block is slower than writing it.
            channel.release(this);
            request.complete(Errno.ENOTSUP);
        } else {
            begin(request);
        }
    }

    @Override
    Progress step() {
        if (outstanding() > 0) {
            return Progress.WAIT;
        }
        return switch (state) {
            case NEXT_PART -> nextPart();
            case LOCK -> lock();
            case LOCK_GRANTED -> {
                channel.goesOn(this);
                stripePosition++;
                yield go(State.LOCK);
            }
            case PASS_PIECE -> passPiece();
            case COPY_PIECE -> copyPiece();
            case READ_BLOCK -> readBlock();
            case WRITE_BLOCK -> writeBlock();
            case PART_DONE -> {
                letGo();
                yield go(State.NEXT_PART);
            }
        };
    }

    private Progress go(State next) {
        state = next;
        return Progress.GO_ON;
    }

    private Progress nextPart() {
        long start = request().offset();
        long end = start + request().length();
        int block = channel.blockBytes();
        if (middlePosition < middleEnd) {
            if (piecesThisTurn++ == PIECES_PER_TURN) {
                piecesThisTurn = 0;
                return yieldTurn();
            }
            partStart = middlePosition;
            partEnd = middlePosition + Math.min(middleEnd - middlePosition, channel.pieceBytes(request()));
            exclusive = false;
        } else if (headLeft) {
            headLeft = false;
            partStart = start;
            partEnd = Math.min(end, Stretch.roundUp(start, block));
            exclusive = true;
        } else if (tailLeft) {
            tailLeft = false;
            partStart = middleEnd;
            partEnd = end;
            exclusive = true;
        } else {
            return Progress.OVER;
        }
        stripeCount = UnitLocks.stripeCount(partStart, partEnd - partStart);
        stripePosition = 0;
        return go(State.LOCK);
    }

    private Progress lock() {
        while (stripePosition < stripeCount) {
            if (!channel.locks().acquire(UnitLocks.stripe(partStart, stripeCount, stripePosition), this)) {
                state = State.LOCK_GRANTED;
                Progress waiting = waitForCall();
                channel.waits(this);
                return waiting;
            }
            stripePosition++;
        }
        if (exclusive) {
            return go(State.READ_BLOCK);
        }
        boolean direct = request().command() != Command.WRITE || channel.memoryFits(memoryOffsetOf(partStart));
        return go(direct ? State.PASS_PIECE : State.COPY_PIECE);
    }

    @Override
    public boolean wantsExclusive() {
        return exclusive;
    }

    @Override
    public void granted() {
        callOnLoop();
    }

    @Override
    public void giveUp() {
        if (channel.locks().withdraw(UnitLocks.stripe(partStart, stripeCount, stripePosition), this)) {
            fail(Errno.ESHUTDOWN);
            run();
        }
    }

    private Progress passPiece() {
        int flags = request().flags() & (BlockRequest.FUA | BlockRequest.NO_HOLE);
        if (mustBeFast) {
            // Only the first piece may be refused for being slow: after it something has changed.
            mustBeFast = false;
            flags |= BlockRequest.FAST_ZERO;
        }
        BlockRequest child = child(request().command(), flags, partStart, partEnd - partStart);
        if (request().command() == Command.WRITE) {
            child.withMemory(request().memory(), memoryOffsetOf(partStart));
        }
        middlePosition = partEnd;
        state = State.PART_DONE;
        channel.below().submit(child);
        return Progress.GO_ON;
    }

    private Progress copyPiece() {
        long wanted = Math.min(middleEnd - middlePosition, BufferArena.MAX_DATA_BYTES);
        ArenaBuf leased = leaseBuffer((int) wanted);
        if (leased == null) {
            return Progress.WAIT;
        }
        buf = leased;
        int length = (int) Math.min(wanted, leased.dataCapacity());
        leased.memory()
                .bytes()
                .put(leased.dataOffset(), request().memory().bytes(), memoryOffsetOf(middlePosition), length);
        BlockRequest child =
                child(Command.WRITE, fua(), middlePosition, length).withMemory(leased.memory(), leased.dataOffset());
        // The stripes of the whole part stay held until its last piece, or are taken again for the rest: both are
        // right.
        middlePosition += length;
        state = State.PART_DONE;
        channel.below().submit(child);
        return Progress.GO_ON;
    }

    private Progress readBlock() {
        int block = channel.blockBytes();
        ArenaBuf leased = leaseBuffer(block);
        if (leased == null) {
            return Progress.WAIT;
        }
        buf = leased;
        BlockRequest child = child(Command.READ, 0, Stretch.roundDown(partStart, block), block)
                .withMemory(leased.memory(), leased.dataOffset());
        state = State.WRITE_BLOCK;
        channel.below().submit(child);
        return Progress.GO_ON;
    }

    private Progress writeBlock() {
        int block = channel.blockBytes();
        ArenaBuf held = Objects.requireNonNull(buf);
        long blockStart = Stretch.roundDown(partStart, block);
        int at = held.dataOffset() + (int) (partStart - blockStart);
        int length = (int) (partEnd - partStart);
        BlockRequest child;
        if (request().command() == Command.WRITE) {
            held.memory().bytes().put(at, request().memory().bytes(), memoryOffsetOf(partStart), length);
            child = child(Command.WRITE, fua(), blockStart, block);
        } else {
            held.memory().zero(at, length);
            boolean provision = request().has(BlockRequest.NO_HOLE);
            // A block of zeros that may be a hole becomes one; in a range without a DEK that costs nothing.
            child = !provision && held.memory().isZero(held.dataOffset(), block)
                    ? child(Command.WRITE_ZEROES, fua(), blockStart, block)
                    : child(Command.WRITE, fua(), blockStart, block);
        }
        if (child.command() == Command.WRITE) {
            child.withMemory(held.memory(), held.dataOffset());
        }
        state = State.PART_DONE;
        channel.below().submit(child);
        return Progress.GO_ON;
    }

    private int fua() {
        return request().flags() & BlockRequest.FUA;
    }

    private int memoryOffsetOf(long offset) {
        return request().memoryOffset() + (int) (offset - request().offset());
    }

    private void letGo() {
        ArenaBuf held = buf;
        if (held != null) {
            buf = null;
            held.release();
        }
        UnitLocks locks = channel.locks();
        while (stripePosition > 0) {
            stripePosition--;
            int stripe = UnitLocks.stripe(partStart, stripeCount, stripePosition);
            if (exclusive) {
                locks.releaseExclusive(stripe);
            } else {
                locks.releaseShared(stripe);
            }
        }
    }

    @Override
    void end() {
        letGo();
        channel.release(this);
    }
}
