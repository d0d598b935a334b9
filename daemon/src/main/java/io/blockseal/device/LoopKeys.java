package io.blockseal.device;

import io.blockseal.block.IoLoop;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.LoopGate;
import java.util.concurrent.RejectedExecutionException;

/**
 * What the channels of one device on one loop share: unwrapped DEKs and the count of requests. How the volume reaches
 * them, too: its calls come from any thread and are carried out on the loop's; all else is the loop's own.
 */
final class LoopKeys implements LoopGate {
    final DekCache cache;
    final LoopRequests requests = new LoopRequests();
    int users;

    private final IoLoop loop;

    LoopKeys(IoLoop loop, DekCache cache) {
        this.loop = loop;
        this.cache = cache;
    }

    @Override
    public void whenQuiet(Runnable task) {
        if (!runs(() -> requests.whenQuiet(task))) {
            task.run();
        }
    }

    @Override
    public void thaw(long first, long count) {
        // If the loop is gone, so are its keys and whoever waited.
        runs(() -> {
            cache.forget(first, count);
            requests.thaw();
        });
    }

    private boolean runs(Runnable task) {
        try {
            loop.execute(task);
            return true;
        } catch (RejectedExecutionException gone) {
            return false;
        }
    }
}
