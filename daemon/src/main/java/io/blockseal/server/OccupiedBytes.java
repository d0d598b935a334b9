package io.blockseal.server;

import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.netty.channel.DefaultMessageSizeEstimator;
import io.netty.channel.MessageSizeEstimator;

/**
 * What Netty counts for a reply that its client has not taken: of one with data, what its buffer keeps from others, which
 * for a READ of one byte is 8 KiB; of any other its bytes. Thereby {@link BufferShare} and the limit on such replies hold
 * for small ones as well. From any thread.
 */
@HotPath("every reply is counted here")
final class OccupiedBytes implements MessageSizeEstimator, MessageSizeEstimator.Handle {
    private final Handle bytes = DefaultMessageSizeEstimator.DEFAULT.newHandle();

    @Override
    public Handle newHandle() {
        return this;
    }

    @Override
    public int size(Object message) {
        return message instanceof ArenaBuf buf ? buf.occupiedBytes() : bytes.size(message);
    }
}
