package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import org.jspecify.annotations.Nullable;

/**
 * A READ that is not of whole blocks, or whose memory the store cannot fill directly: whole blocks in the middle go
 * straight to the client's memory where that is possible, everything else by way of a buffer of ours.
 *
 * <p>Its channel holds all stripes of the READ, shared, for as long as it walks, also while it waits for a buffer: who holds
 * a buffer never waits for a stripe.
 */
@HotPath("every READ that is not aligned")
final class UnalignedRead extends Walk {
    /** Up to here one read and one copy are cheaper than three reads. */
    private static final int COPY_WHOLE_BYTES = 64 << 10;

    private final AlignerChannel channel;
    private @Nullable ArenaBuf buf;
    private long position;
    private long stretchEnd;

    UnalignedRead(AlignerChannel channel) {
        super(channel.loop(), channel.below());
        this.channel = channel;
    }

    void start(BlockRequest request) {
        position = request.offset();
        stretchEnd = position + request.length();
        begin(request);
    }

    @Override
    Progress step() {
        if (outstanding() > 0) {
            return Progress.WAIT;
        }
        if (position == stretchEnd) {
            return Progress.OVER;
        }
        int block = channel.blockBytes();
        long blocksStart = Stretch.roundDown(position, block);
        long blocksEnd = Stretch.roundUp(stretchEnd, block);
        boolean small = blocksEnd - blocksStart <= COPY_WHOLE_BYTES;
        long wholeEnd = Stretch.roundDown(stretchEnd, block);
        if (!small && position == blocksStart && wholeEnd > position && channel.memoryFits(memoryOffset())) {
            BlockRequest child = child(Command.READ, 0, position, wholeEnd - position)
                    .withMemory(request().memory(), memoryOffset());
            channel.below().submit(child);
            return Progress.GO_ON;
        }
        boolean middleIsDirect = channel.memoryFits(memoryOffset() + (int) (blocksStart + block - position));
        long wanted = !small && middleIsDirect ? block : Math.min(blocksEnd - blocksStart, BufferArena.MAX_DATA_BYTES);
        ArenaBuf leased = leaseBuffer((int) wanted);
        if (leased == null) {
            return Progress.WAIT;
        }
        buf = leased;
        BlockRequest child = child(Command.READ, 0, blocksStart, Math.min(wanted, leased.dataCapacity()))
                .withMemory(leased.memory(), leased.dataOffset());
        channel.below().submit(child);
        return Progress.GO_ON;
    }

    @Override
    void childDone(BlockRequest child, long token) {
        long readEnd = Math.min(child.offset() + child.length(), stretchEnd);
        ArenaBuf copied = buf;
        if (copied != null) {
            buf = null;
            if (child.errno() == Errno.OK) {
                request()
                        .memory()
                        .bytes()
                        .put(
                                memoryOffset(),
                                copied.memory().bytes(),
                                copied.dataOffset() + (int) (position - child.offset()),
                                (int) (readEnd - position));
            }
            copied.release();
        }
        position = readEnd;
    }

    private int memoryOffset() {
        return request().memoryOffset() + (int) (position - request().offset());
    }

    @Override
    void end() {
        channel.release(this);
    }
}
