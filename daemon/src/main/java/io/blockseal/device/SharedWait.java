package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.HotPath;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A READ, or a change of whole blocks, that found a stripe taken: collects the rest of its stripes, then has it carried
 * out.
 */
@HotPath("a request beside a read-modify-write")
final class SharedWait implements UnitLocks.Waiter, Runnable {
    private final AlignerChannel channel;
    private @Nullable BlockRequest request;
    private int position;

    SharedWait(AlignerChannel channel) {
        this.channel = channel;
    }

    /** Stripes before {@code firstMissing} are the request's. */
    void start(BlockRequest newRequest, int firstMissing) {
        request = newRequest;
        position = firstMissing;
        collect();
    }

    @Override
    public boolean wantsExclusive() {
        return false;
    }

    @Override
    public void granted() {
        channel.loop().execute(this);
    }

    @Override
    public void run() {
        position++;
        collect();
        channel.kick();
    }

    private void collect() {
        BlockRequest waiting = Objects.requireNonNull(request);
        long offset = waiting.offset();
        int count = UnitLocks.stripeCount(offset, waiting.length());
        while (position < count) {
            if (!channel.locks().acquire(UnitLocks.stripe(offset, count, position), this)) {
                return;
            }
            position++;
        }
        request = null;
        channel.release(this);
        channel.passDown(waiting);
    }
}
