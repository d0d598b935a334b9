package io.blockseal.server.tls;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.CompositeByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.AbstractCoalescingBufferQueue;
import io.netty.channel.Channel;

/** What was written and is not enciphered yet; the channel's watermarks count it. On the loop. */
final class PlainQueue extends AbstractCoalescingBufferQueue {
    private static final int USUAL_COUNT = 16;

    PlainQueue(Channel channel) {
        super(channel, USUAL_COUNT);
    }

    @Override
    protected ByteBuf compose(ByteBufAllocator allocator, ByteBuf before, ByteBuf next) {
        if (before instanceof CompositeByteBuf composite) {
            composite.addComponent(true, next);
            return composite;
        }
        return composeIntoComposite(allocator, before, next);
    }

    @Override
    protected ByteBuf removeEmptyValue() {
        return Unpooled.EMPTY_BUFFER;
    }
}
