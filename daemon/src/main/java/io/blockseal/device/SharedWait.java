package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A READ, or a change of whole blocks, that found a stripe taken: collects the rest of its stripes, then has it carried
 * out.
 */
@HotPath("a request beside a read-modify-write")
final class SharedWait implements AlignerChannel.Parked, Runnable {
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
    public void giveUp() {
        BlockRequest waiting = Objects.requireNonNull(request);
        long offset = waiting.offset();
        int count = UnitLocks.stripeCount(offset, waiting.length());
        UnitLocks locks = channel.locks();
        if (!locks.withdraw(UnitLocks.stripe(offset, count, position), this)) {
            return;
        }
        for (int i = 0; i < position; i++) {
            locks.releaseShared(UnitLocks.stripe(offset, count, i));
        }
        request = null;
        channel.release(this);
        waiting.complete(Errno.ESHUTDOWN);
    }

    @Override
    public void run() {
        channel.goesOn(this);
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
                channel.waits(this);
                return;
            }
            position++;
        }
        request = null;
        channel.release(this);
        channel.passDown(waiting);
    }
}
