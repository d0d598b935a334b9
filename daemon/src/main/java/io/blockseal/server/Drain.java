package io.blockseal.server;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import java.util.concurrent.TimeUnit;

/**
 * How connections come to their end when the other side has not ended them: what is sent through each pipeline when the
 * server closes, or an export goes.
 */
enum Drain {
    /** Finish what is in flight, and refuse what comes, and what waits for a key, with ESHUTDOWN, as the service is over. */
    REFUSING,
    /**
     * Finish what is in flight, and leave the rest unread, and what waits for a key unanswered: a client that connects again
     * sends it again, and whoever uses its disk notices nothing. ESHUTDOWN would be an error to them.
     */
    FOR_RETURN;

    /** How long a client may take to read its last replies. */
    private static final long LINGER_SECONDS = 10;

    /** Closes at once; what was not sent is dropped. */
    static void closeNow(Channel channel) {
        var unused = channel.close();
    }

    /** Closes once everything written so far has left, or after a while if the client does not take it. */
    static void closeWhenSent(Channel channel) {
        channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(ChannelFutureListener.CLOSE);
        if (channel.isOpen()) {
            var forced = channel.eventLoop().schedule(() -> closeNow(channel), LINGER_SECONDS, TimeUnit.SECONDS);
            channel.closeFuture().addListener(future -> forced.cancel(false));
        }
    }
}
