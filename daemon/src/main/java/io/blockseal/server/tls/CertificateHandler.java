package io.blockseal.server.tls;

import io.blockseal.metrics.TlsBreach;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.handler.ssl.SslHandler;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;

/**
 * Netty's handler of TLS, one record at a time, with an eye on what a client sends after the handshake: each record is
 * told of as a {@link TlsRecord}, and where there are too many without data, or the client wants to negotiate anew, a
 * {@link TlsBreach} goes through the pipeline and nothing more is deciphered. On the loop.
 */
final class CertificateHandler extends SslHandler {
    /** In the clear in TLS 1.2 alone. */
    private static final int HANDSHAKE_TYPE = 22;

    private static final long GOODBYE_MILLIS = 500;

    private final EmptyRecords empties = new EmptyRecords();
    private boolean hadData;
    private boolean over;

    CertificateHandler(SSLEngine engine, Executor arithmetic) {
        super(engine, arithmetic);
        // The server's own clock runs for the whole of the handshake.
        setHandshakeTimeoutMillis(0);
        // As is that of the good-bye: the library would warn of each client that does not take it.
        setCloseNotifyFlushTimeoutMillis(0);
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) throws Exception {
        ctx.pipeline().addAfter(ctx.name(), null, new Outlet());
        super.handlerAdded(ctx);
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws SSLException {
        if (over) {
            in.skipBytes(in.readableBytes());
            return;
        }
        if (!handshakeFuture().isSuccess()) {
            super.decode(ctx, in, out);
            return;
        }
        int begin = in.readerIndex();
        if (in.isReadable() && in.getByte(begin) == HANDSHAKE_TYPE) {
            // The library would refuse it, too, but not before it has had a look at what may be no hello at all.
            breach(ctx, TlsBreach.RENEGOTIATION);
            return;
        }
        hadData = false;
        try {
            super.decode(ctx, in, out);
        } catch (SSLException refused) {
            if (isTooMany(refused)) {
                breach(ctx, TlsBreach.EMPTY_RECORDS);
                return;
            }
            throw refused;
        }
        int bytes = in.readerIndex() - begin;
        if (bytes > 0) {
            ctx.fireUserEventTriggered(TlsRecord.DECIPHERED);
            if (empties.isOneTooMany(bytes, hadData)) {
                breach(ctx, TlsBreach.EMPTY_RECORDS);
            }
        }
    }

    /** BoringSSL counts as well, and what is in one record it alone can count. */
    private static boolean isTooMany(SSLException refused) {
        return String.valueOf(refused.getMessage()).contains("TOO_MANY_");
    }

    /** With a good-bye, for whoever takes it in time. */
    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) throws Exception {
        super.close(ctx, promise);
        if (ctx.channel().isOpen()) {
            var forced = ctx.executor().schedule(() -> ctx.close(), GOODBYE_MILLIS, TimeUnit.MILLISECONDS);
            ctx.channel().closeFuture().addListener(closed -> forced.cancel(false));
        }
    }

    private void breach(ChannelHandlerContext ctx, TlsBreach reason) {
        over = true;
        ctx.fireUserEventTriggered(reason);
    }

    /** Arithmetic that comes back after the end goes on with what was received; nobody is left to hear of it. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) throws Exception {
        if (!ctx.isRemoved()) {
            super.exceptionCaught(ctx, cause);
        }
    }

    /** Sees what comes out. */
    private final class Outlet extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            hadData = true;
            ctx.fireChannelRead(message);
        }
    }
}
