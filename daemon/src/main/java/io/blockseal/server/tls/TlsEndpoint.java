package io.blockseal.server.tls;

import io.blockseal.metrics.TlsBreach;
import io.blockseal.metrics.TlsFigures;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;
import java.util.concurrent.Executor;

/**
 * Our end of TLS: what new connections are protected with, which may be replaced at any time; those that are open keep
 * what they have. From any thread, {@link #begin} on the connection's loop.
 */
public final class TlsEndpoint {
    /** Whoever reads the connection's socket. */
    public interface Reading {
        /** Whether nothing is to be read for now. On the connection's loop; the same may be said twice. */
        void withhold(boolean now);
    }

    private final TlsFigures figures;
    private final Executor arithmetic;
    private volatile Credentials credentials;

    /**
     * With these.
     *
     * @param arithmetic where the slow part of a handshake is done, milliseconds that other connections of the loop would
     *     wait for; may reject it, which ends the connection
     */
    public TlsEndpoint(Credentials credentials, TlsFigures figures, Executor arithmetic) {
        this.credentials = credentials;
        this.figures = figures;
        this.arithmetic = arithmetic;
        figures.certificateEnds(credentials.endsAtSeconds());
    }

    /** Where handshakes are counted. */
    public TlsFigures figures() {
        return figures;
    }

    /** Connections that begin later have these. */
    public void replace(Credentials newer) {
        credentials = newer;
        figures.certificateEnds(newer.endsAtSeconds());
    }

    /**
     * Puts TLS at the head of the pipeline; a {@link TlsOutcome} comes through it when the handshake is over. The next
     * byte from the socket must be the client's first of TLS. While arithmetic is done elsewhere, nothing is to be read.
     * Later comes a {@link TlsRecord} for each record, and perhaps a {@link TlsBreach}: then the connection has to be
     * closed.
     */
    public void begin(ChannelPipeline pipeline, Reading reading) {
        Credentials now = credentials;
        CertificateTls certificate = now.certificate();
        PskMeans psk = now.psk();
        ReadingPause pause = new ReadingPause(arithmetic, reading);
        if (certificate == null) {
            if (psk == null) {
                throw new IllegalStateException("TLS without credentials");
            }
            pipeline.addFirst(pause, new PskHandler(psk, pause));
        } else if (psk == null) {
            SslHandler handler = certificate.newHandler(pipeline.channel().alloc(), pause);
            pipeline.addFirst(pause, handler, new CertificateOutcome());
        } else {
            pipeline.addFirst(pause, new CredentialChoice(certificate, psk, pause), new CertificateOutcome());
        }
    }
}
