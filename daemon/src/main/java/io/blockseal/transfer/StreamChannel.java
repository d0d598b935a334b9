package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;

/** The way to a stream: writes in the order in which they come, each on a thread that may wait for the reader. */
@HotPath("every piece to standard output passes here")
final class StreamChannel implements BlockChannel {
    private final StreamDevice device;
    private final IoLoop loop;

    StreamChannel(StreamDevice device, IoLoop loop) {
        this.device = device;
        this.loop = loop;
    }

    @Override
    public void submit(BlockRequest request) {
        if (request.command() == Command.WRITE) {
            device.writer().execute(() -> write(request));
        } else {
            request.complete(request.command() == Command.FLUSH ? Errno.OK : Errno.ENOTSUP);
        }
    }

    private void write(BlockRequest request) {
        Errno errno = device.write(request.memory().bytes().slice(request.memoryOffset(), (int) request.length()));
        loop.execute(() -> request.complete(errno));
    }

    @Override
    public void kick() {
        // Each write is on its way already.
    }

    @Override
    public void close() {
        // The stream is the device's.
    }
}
