package io.blockseal.device;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import java.util.ArrayDeque;

/**
 * One loop's way into a {@link UnitAligner}: passes whole blocks on, hands everything else to a walk.
 *
 * <p>A READ has its stripes of {@link UnitLocks} shared from before its first byte is read until all are there, also while a
 * walk carries it out; so has a change of whole blocks. Where nobody can write a READ takes none.
 */
@HotPath("every request of every client")
final class AlignerChannel implements BlockChannel, Completion {
    /** A request of the channel that waits for a stripe. */
    interface Parked extends UnitLocks.Waiter {
        /** On the loop: ends the request with ESHUTDOWN, unless the stripe has come. */
        void giveUp();
    }

    /** How much of a TRIM or WRITE_ZEROES holds its stripes at a time, so that no small write waits for all of it. */
    static final long ZERO_PIECE_BYTES = 1L << 30;
    /** The same for zeros that are really written. */
    static final long PROVISION_PIECE_BYTES = 16L << 20;

    private final BlockChannel below;
    private final IoLoop loop;
    private final UnitLocks locks;
    private final long sizeBytes;
    private final boolean readOnly;
    private final boolean canFastZero;
    private final int blockBytes;
    private final int memoryAlignmentBytes;
    private final ArrayDeque<Parked> parked = new ArrayDeque<>();
    private boolean abandoned;
    private final FreeList<AlignerChannel, SharedWait> sharedWaits = new FreeList<>(this, SharedWait::new);
    private final FreeList<AlignerChannel, UnalignedRead> reads = new FreeList<>(this, UnalignedRead::new);
    private final FreeList<AlignerChannel, UnalignedWrite> writes = new FreeList<>(this, UnalignedWrite::new);

    AlignerChannel(BlockChannel below, IoLoop loop, UnitLocks locks, Geometry blockGeometry, int memoryAlignmentBytes) {
        this.below = below;
        this.loop = loop;
        this.locks = locks;
        this.sizeBytes = blockGeometry.sizeBytes();
        this.readOnly = blockGeometry.readOnly();
        this.canFastZero = blockGeometry.canFastZero();
        this.blockBytes = blockGeometry.minimumBlockBytes();
        this.memoryAlignmentBytes = memoryAlignmentBytes;
    }

    @Override
    public void submit(BlockRequest request) {
        Errno refusal = Stretch.check(request, sizeBytes);
        if (refusal == Errno.OK && readOnly && Stretch.changes(request.command())) {
            refusal = Errno.EPERM;
        }
        if (refusal != Errno.OK) {
            request.complete(refusal);
            return;
        }
        switch (request.command()) {
            case READ -> read(request);
            case WRITE -> write(request);
            case TRIM, WRITE_ZEROES -> zero(request);
            case FLUSH, CACHE, BLOCK_STATUS -> below.submit(request);
        }
    }

    @Override
    public boolean isFrozen() {
        return below.isFrozen();
    }

    @Override
    public void whenThawed(Runnable task) {
        below.whenThawed(task);
    }

    @Override
    public void abandon() {
        abandoned = true;
        below.abandon();
        if (below.isFrozen()) {
            // Who has their stripes may be another client's request that waits for the thaw.
            for (int i = parked.size(); i > 0 && !parked.isEmpty(); i--) {
                parked.remove().giveUp();
            }
        }
    }

    /** The request is queued for a stripe. */
    void waits(Parked request) {
        if (abandoned && below.isFrozen()) {
            request.giveUp();
        } else {
            parked.add(request);
        }
    }

    /** The stripe has come. */
    void goesOn(Parked request) {
        parked.remove(request);
    }

    @Override
    public void kick() {
        below.kick();
    }

    @Override
    public void close() {
        below.close();
    }

    private void read(BlockRequest request) {
        if (request.length() == 0) {
            request.complete(Errno.OK);
        } else if (readOnly) {
            beginRead(request);
        } else {
            passShared(request);
        }
    }

    private void beginRead(BlockRequest request) {
        if (isWhole(request) && memoryFits(request.memoryOffset())) {
            below.submit(request);
        } else {
            reads.lease().start(request);
        }
    }

    private void write(BlockRequest request) {
        if (request.length() == 0) {
            request.complete(Errno.OK);
        } else if (isWhole(request) && memoryFits(request.memoryOffset())) {
            passShared(request);
        } else {
            writes.lease().start(request);
        }
    }

    private void zero(BlockRequest request) {
        boolean fast = request.has(BlockRequest.FAST_ZERO);
        if (fast && (!canFastZero || request.has(BlockRequest.NO_HOLE))) {
            request.complete(Errno.ENOTSUP);
        } else if (request.length() == 0) {
            request.complete(Errno.OK);
        } else if (isWhole(request) && request.length() <= pieceBytes(request)) {
            passShared(request);
        } else {
            writes.lease().start(request);
        }
    }

    private boolean isWhole(BlockRequest request) {
        return Stretch.isAligned(request.offset() | request.length(), blockBytes);
    }

    /** How much of the request may hold its stripes at a time. */
    long pieceBytes(BlockRequest request) {
        if (request.command() == Command.WRITE) {
            return Long.MAX_VALUE;
        }
        return request.has(BlockRequest.NO_HOLE) ? PROVISION_PIECE_BYTES : ZERO_PIECE_BYTES;
    }

    private void passShared(BlockRequest request) {
        long offset = request.offset();
        int count = UnitLocks.stripeCount(offset, request.length());
        for (int i = 0; i < count; i++) {
            if (!locks.tryShared(UnitLocks.stripe(offset, count, i))) {
                sharedWaits.lease().start(request, i);
                return;
            }
        }
        passDown(request);
    }

    /** Its stripes are taken, shared. */
    void passDown(BlockRequest request) {
        request.push(this, 0);
        if (request.command() == Command.READ) {
            beginRead(request);
        } else {
            below.submit(request);
        }
    }

    @Override
    public void onComplete(BlockRequest request, long token) {
        long offset = request.offset();
        int count = UnitLocks.stripeCount(offset, request.length());
        for (int i = 0; i < count; i++) {
            locks.releaseShared(UnitLocks.stripe(offset, count, i));
        }
        request.complete(request.errno());
    }

    /** Whether memory from there on may be passed down as it is. */
    boolean memoryFits(int memoryOffset) {
        return Stretch.isAligned(memoryOffset, memoryAlignmentBytes);
    }

    int blockBytes() {
        return blockBytes;
    }

    IoLoop loop() {
        return loop;
    }

    UnitLocks locks() {
        return locks;
    }

    BlockChannel below() {
        return below;
    }

    void release(SharedWait wait) {
        sharedWaits.release(wait);
    }

    void release(UnalignedRead read) {
        reads.release(read);
    }

    void release(UnalignedWrite write) {
        writes.release(write);
    }
}
