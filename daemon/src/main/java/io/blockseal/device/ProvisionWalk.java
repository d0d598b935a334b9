package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import java.util.ArrayDeque;

/**
 * WRITE_ZEROES with NO_HOLE over whole units of any length: writes the ciphertext of zeros, so that the stretch is
 * provisioned and a later write cannot run out of space. A few pieces at a time, from the loop's buffers, and no more
 * cipher work in one turn than a single large write would be.
 */
@HotPath("WRITE_ZEROES that must leave no holes")
final class ProvisionWalk extends Walk {
    private static final int PIECE_BYTES = 256 << 10;
    private static final int IN_FLIGHT_MAX = 3;
    private static final int BYTES_PER_TURN = 1 << 20;

    private final EncryptedChannel channel;
    private final ArrayDeque<ArenaBuf> buffers = new ArrayDeque<>(IN_FLIGHT_MAX + 1);
    private long offset;
    private long left;
    private int bytesThisTurn;

    ProvisionWalk(EncryptedChannel channel) {
        super(channel.loop(), channel.store());
        this.channel = channel;
    }

    void start(BlockRequest request) {
        offset = request.offset();
        left = request.length();
        bytesThisTurn = 0;
        begin(request);
    }

    @Override
    Progress step() {
        if (left == 0) {
            return Progress.OVER;
        }
        if (outstanding() >= IN_FLIGHT_MAX) {
            return Progress.WAIT;
        }
        if (bytesThisTurn >= BYTES_PER_TURN) {
            bytesThisTurn = 0;
            return yieldTurn();
        }
        int wanted = (int) Math.min(Math.min(left, channel.leftInRange(offset)), PIECE_BYTES);
        ArenaBuf buf = leaseBuffer(wanted);
        if (buf == null) {
            return Progress.WAIT;
        }
        int length = Math.min(wanted, buf.dataCapacity());
        buf.memory().zero(buf.dataOffset(), length);
        BlockRequest child = child(Command.WRITE, request().flags() & BlockRequest.FUA, offset, length)
                .withMemory(buf.memory(), buf.dataOffset());
        buffers.add(buf);
        offset += length;
        left -= length;
        bytesThisTurn += length;
        channel.transferInRange(child);
        return Progress.GO_ON;
    }

    @Override
    void childDone(BlockRequest child, long token) {
        for (int i = buffers.size(); i > 0; i--) {
            ArenaBuf buf = buffers.remove();
            if (buf.memory() == child.memory()) {
                buf.release();
                return;
            }
            buffers.add(buf);
        }
    }

    @Override
    void end() {
        channel.release(this);
    }
}
