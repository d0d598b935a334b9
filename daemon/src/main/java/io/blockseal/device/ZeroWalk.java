package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.volume.table.RangeWord;

/**
 * TRIM, or WRITE_ZEROES that may leave holes, over whole units of any length: ranges without a DEK are zeros already;
 * of the others the store is told to make holes or write raw zeros, which read as units that were never written.
 */
@HotPath("every TRIM and WRITE_ZEROES")
final class ZeroWalk extends Walk {
    private static final int IN_FLIGHT_MAX = 4;
    /** What one turn may do, counted in ranges looked at. */
    private static final int WORK_PER_TURN = 16 * 1024;
    /** What a call to the store counts for. */
    private static final int WORK_OF_A_CALL = 512;

    private final EncryptedChannel channel;
    private long offset;
    private long left;
    private int workThisTurn;
    private boolean mustBeFast;

    ZeroWalk(EncryptedChannel channel) {
        super(channel.loop(), channel.store());
        this.channel = channel;
    }

    void start(BlockRequest request) {
        offset = request.offset();
        left = request.length();
        workThisTurn = 0;
        mustBeFast = request.has(BlockRequest.FAST_ZERO);
        begin(request);
    }

    @Override
    Progress step() {
        if (left == 0) {
            return Progress.OVER;
        }
        // A fast zero that fails must have changed nothing, so nothing else starts until the store took the first part.
        if (outstanding() >= (mustBeFast ? 1 : IN_FLIGHT_MAX)) {
            return Progress.WAIT;
        }
        if (workThisTurn >= WORK_PER_TURN) {
            workThisTurn = 0;
            return yieldTurn();
        }
        long word = channel.wordAt(offset);
        if (RangeWord.isHeld(word)) {
            return heldBy(channel);
        }
        workThisTurn++;
        long length = Math.min(left, channel.leftInRange(offset));
        long start = offset;
        offset += length;
        left -= length;
        switch (RangeWord.state(word)) {
            case RangeWord.ACTIVE -> send(channel.rangeOf(start), channel.physicalOffset(start, word), length);
            case RangeWord.LOST -> fail(Errno.EIO);
            default -> {
                // NONE and SHREDDED read as zeros, durably.
            }
        }
        return Progress.GO_ON;
    }

    private void send(long range, long physicalOffset, long length) {
        workThisTurn += WORK_OF_A_CALL;
        boolean trim = request().command() == Command.TRIM && channel.trimLeavesZeros();
        int flags = request().flags() & BlockRequest.FUA;
        if (mustBeFast) {
            flags |= BlockRequest.FAST_ZERO;
        }
        Command command = trim ? Command.TRIM : Command.WRITE_ZEROES;
        channel.store().submit(child(command, flags, physicalOffset, length, range << 1 | channel.begin()));
    }

    @Override
    void childDone(BlockRequest child, long token) {
        channel.endOfChange((int) token & 1, child.offset(), child.length());
        if (child.errno() == Errno.OK) {
            channel.plane().discarded(token >> 1);
            // From now on the request must not fail for being slow: part of the stretch is changed.
            mustBeFast = false;
        }
    }

    @Override
    void end() {
        channel.release(this);
    }
}
