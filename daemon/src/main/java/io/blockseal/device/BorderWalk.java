package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.HotPath;

/** A READ or WRITE that crosses range borders: one child a range, all at once. */
@HotPath("a READ or WRITE across a range border")
final class BorderWalk extends Walk {
    private final EncryptedChannel channel;
    private long done;

    BorderWalk(EncryptedChannel channel) {
        super(channel.loop(), channel.store());
        this.channel = channel;
    }

    void start(BlockRequest request) {
        done = 0;
        begin(request);
    }

    @Override
    Progress step() {
        BlockRequest request = request();
        long left = request.length() - done;
        if (left == 0) {
            return Progress.OVER;
        }
        long offset = request.offset() + done;
        long length = Math.min(left, channel.leftInRange(offset));
        BlockRequest child = child(request.command(), request.flags(), offset, length)
                .withMemory(request.memory(), request.memoryOffset() + (int) done);
        done += length;
        channel.transferInRange(child);
        return Progress.GO_ON;
    }

    @Override
    void end() {
        channel.release(this);
    }
}
