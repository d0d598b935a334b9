package io.blockseal.server.tls;

import io.blockseal.metrics.TlsFailure;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ssl.SslClientHelloHandler;
import io.netty.util.concurrent.Future;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Waits for the whole of the client's hello, which says what it can prove itself with, and makes room for the handler
 * that does it; that one gets every byte again. What is no hello at all is for the certificate's to refuse. On the loop.
 */
final class CredentialChoice extends SslClientHelloHandler<Boolean> {
    private final CertificateTls certificate;
    private final PskMeans psk;
    private final Executor arithmetic;

    CredentialChoice(CertificateTls certificate, PskMeans psk, Executor arithmetic) {
        this.certificate = certificate;
        this.psk = psk;
        this.arithmetic = arithmetic;
    }

    @Override
    protected Future<Boolean> lookup(ChannelHandlerContext ctx, @Nullable ByteBuf hello) {
        return ctx.executor().newSucceededFuture(hello != null && PskOffer.isIn(hello, psk.keys()));
    }

    @Override
    protected void onLookupComplete(ChannelHandlerContext ctx, Future<Boolean> preshared) {
        ChannelHandler chosen;
        if (preshared.getNow()) {
            ctx.pipeline().remove(CertificateOutcome.class);
            chosen = new PskHandler(psk, arithmetic);
        } else {
            chosen = certificate.newHandler(ctx.alloc(), arithmetic);
        }
        ctx.pipeline().replace(this, null, chosen);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws Exception {
        ctx.fireUserEventTriggered(new TlsOutcome.Failed(TlsFailure.GONE, "it closed before it said anything of TLS"));
        super.channelInactive(ctx);
    }
}
