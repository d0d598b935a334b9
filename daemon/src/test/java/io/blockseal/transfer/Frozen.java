package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import java.util.ArrayDeque;

/** A device whose reads behind some place wait for good, as those of a locked volume do, unless nobody wants them. */
final class Frozen implements BlockDevice {
    private final BlockDevice below;
    private final long from;

    Frozen(BlockDevice below, long from) {
        this.below = below;
        this.from = from;
    }

    @Override
    public Geometry geometry() {
        return below.geometry();
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        BlockChannel channel = below.openChannel(loop);
        ArrayDeque<BlockRequest> held = new ArrayDeque<>();
        return new BlockChannel() {
            @Override
            public void submit(BlockRequest request) {
                if (request.command() == Command.READ && request.offset() >= from) {
                    held.add(request);
                } else {
                    channel.submit(request);
                }
            }

            @Override
            public void abandon() {
                while (!held.isEmpty()) {
                    held.poll().complete(Errno.ESHUTDOWN);
                }
            }

            @Override
            public void kick() {
                channel.kick();
            }

            @Override
            public void close() {
                channel.close();
            }
        };
    }
}
