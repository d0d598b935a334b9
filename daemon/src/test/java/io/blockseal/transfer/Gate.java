package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import java.util.ArrayDeque;

/** A device whose reads behind some place do not come back before a control wants to cancel. */
final class Gate implements BlockDevice {
    private final BlockDevice below;
    private final long from;
    private JobControl control = JobControl.ALONE;

    Gate(BlockDevice below, long from) {
        this.below = below;
        this.from = from;
    }

    void openWhen(JobControl cancelling) {
        control = cancelling;
    }

    private boolean isOpen() {
        try {
            control.checkpoint();
            return false;
        } catch (JobCanceledException wanted) {
            return true;
        }
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
                if (request.command() == Command.READ && request.offset() >= from && !isOpen()) {
                    held.add(request);
                    loop.execute(this::tryAgain);
                } else {
                    channel.submit(request);
                }
            }

            private void tryAgain() {
                if (!isOpen()) {
                    loop.execute(this::tryAgain);
                    return;
                }
                while (!held.isEmpty()) {
                    channel.submit(held.poll());
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
