package io.blockseal.transfer;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import java.util.concurrent.CompletableFuture;

/** The end of a single request that another thread waits for. */
@HotPath("it completes a request, like all that do")
final class Answer implements Completion {
    final CompletableFuture<Errno> future = new CompletableFuture<>();
    private final IoLoop loop;

    Answer(IoLoop loop) {
        this.loop = loop;
    }

    @Override
    public void onComplete(BlockRequest request, long token) {
        Errno errno = request.errno();
        loop.requests().release(request);
        future.complete(errno);
    }
}
