package io.blockseal.server.tls;

import io.blockseal.export.ClientIdentity;
import io.blockseal.export.ClientIdentity.Proof;
import io.blockseal.metrics.TlsFailure;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/** Behind an {@link SslHandler}: turns the end of its handshake into a {@link TlsOutcome}, and leaves. On the loop. */
final class CertificateOutcome extends ChannelInboundHandlerAdapter {
    private static final int SAN_EMAIL = 1;
    private static final int SAN_DNS = 2;
    private static final int SAN_URI = 6;
    private static final int SAN_IP = 7;

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof SslHandshakeCompletionEvent completion) {
            TlsOutcome outcome = completion.isSuccess() ? secured(ctx) : TlsTrouble.of(completion.cause());
            ctx.fireUserEventTriggered(outcome);
            ctx.pipeline().remove(this);
        } else {
            ctx.fireUserEventTriggered(event);
        }
    }

    /** Arithmetic of the handshake that breaks, on what a stranger sent, is a handshake that failed. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        ctx.fireUserEventTriggered(TlsTrouble.of(cause));
        ctx.pipeline().remove(this);
    }

    private static TlsOutcome secured(ChannelHandlerContext ctx) {
        SSLEngine engine = ctx.pipeline().get(SslHandler.class).engine();
        SSLSession session = engine.getSession();
        try {
            ClientIdentity client = client(session);
            if (engine.getNeedClientAuth() && client.equals(ClientIdentity.ANONYMOUS)) {
                return new TlsOutcome.Failed(TlsFailure.NO_CERTIFICATE, "the client showed no certificate");
            }
            TlsOutcome secured = new TlsOutcome.Secured(session.getProtocol(), session.getCipherSuite(), client);
            // Java would let it be taken up again, for a day.
            session.invalidate();
            return secured;
        } catch (CertificateParsingException malformed) {
            return TlsTrouble.of(malformed);
        }
    }

    private static ClientIdentity client(SSLSession session) throws CertificateParsingException {
        try {
            Certificate[] chain = session.getPeerCertificates();
            return chain.length > 0 && chain[0] instanceof X509Certificate certificate
                    ? identity(certificate)
                    : ClientIdentity.ANONYMOUS;
        } catch (SSLPeerUnverifiedException none) {
            return ClientIdentity.ANONYMOUS;
        }
    }

    static ClientIdentity identity(X509Certificate certificate) throws CertificateParsingException {
        List<String> alternatives = new ArrayList<>();
        Collection<List<?>> names = certificate.getSubjectAlternativeNames();
        if (names != null) {
            for (List<?> name : names) {
                if (name.get(0) instanceof Integer kind && name.get(1) instanceof String value) {
                    String word = wordOf(kind);
                    if (!word.isEmpty()) {
                        alternatives.add(word + value);
                    }
                }
            }
        }
        return new ClientIdentity(
                Proof.CERTIFICATE, certificate.getSubjectX500Principal().getName(), alternatives);
    }

    private static String wordOf(int kind) {
        return switch (kind) {
            case SAN_EMAIL -> "email:";
            case SAN_DNS -> "dns:";
            case SAN_URI -> "uri:";
            case SAN_IP -> "ip:";
            default -> "";
        };
    }
}
