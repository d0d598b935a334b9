package io.blockseal.server.tls;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Between the socket and whatever does TLS: while arithmetic of this connection is done elsewhere, nothing is read. What
 * came meanwhile could only be kept, and whoever sends it is not known yet; so it stays in the system's buffers, and from a
 * certain amount on with the client.
 *
 * <p>It is also the executor of that arithmetic, which is how it knows. On the loop; the tasks are not.
 */
final class ReadingPause extends ChannelOutboundHandlerAdapter implements Executor {
    private final Executor arithmetic;
    private final TlsEndpoint.Reading reading;
    private @Nullable ChannelHandlerContext socket;
    private int running;
    private boolean readAskedFor;

    ReadingPause(Executor arithmetic, TlsEndpoint.Reading reading) {
        this.arithmetic = arithmetic;
        this.reading = reading;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        socket = ctx;
    }

    /** As the executor behind it, which may reject it. */
    @Override
    public void execute(Runnable task) {
        ChannelHandlerContext ctx = socket;
        if (ctx == null) {
            throw new IllegalStateException("not in a pipeline");
        }
        arithmetic.execute(() -> {
            try {
                task.run();
            } finally {
                // Behind what the task itself has sent there: if that begins another one, there is no gap.
                ctx.executor().execute(() -> ended(ctx));
            }
        });
        running++;
        reading.withhold(true);
    }

    private void ended(ChannelHandlerContext ctx) {
        running--;
        if (running > 0 || ctx.isRemoved() || !ctx.channel().isOpen()) {
            return;
        }
        reading.withhold(false);
        if (readAskedFor) {
            readAskedFor = false;
            ctx.read();
        }
    }

    /** TLS asks for more by itself, whether the socket is read or not. */
    @Override
    public void read(ChannelHandlerContext ctx) {
        if (running > 0) {
            readAskedFor = true;
        } else {
            ctx.read();
        }
    }
}
