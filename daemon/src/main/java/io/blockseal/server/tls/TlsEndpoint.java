package io.blockseal.server.tls;

import io.blockseal.metrics.TlsFigures;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;

/**
 * Our end of TLS: what new connections are protected with, which may be replaced at any time; those that are open keep
 * what they have. From any thread, {@link #begin} on the connection's loop.
 */
public final class TlsEndpoint {
    private final TlsFigures figures;
    private volatile CertificateTls certificate;

    /** With a certificate. */
    public TlsEndpoint(CertificateTls certificate, TlsFigures figures) {
        this.certificate = certificate;
        this.figures = figures;
        figures.certificateEnds(certificate.endsAtSeconds());
    }

    /** Where handshakes are counted. */
    public TlsFigures figures() {
        return figures;
    }

    /** Connections that begin later have this one. */
    public void replace(CertificateTls newer) {
        certificate = newer;
        figures.certificateEnds(newer.endsAtSeconds());
    }

    /**
     * Puts TLS at the head of the pipeline; a {@link TlsOutcome} comes through it when the handshake is over. The next
     * byte from the socket must be the client's first of TLS.
     */
    public void begin(ChannelPipeline pipeline) {
        SslHandler handler = certificate.newHandler(pipeline.channel().alloc());
        pipeline.addFirst(handler, new CertificateOutcome(handler));
    }
}
