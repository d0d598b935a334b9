package io.blockseal.admin;

import io.blockseal.metrics.TlsBreach;
import io.blockseal.metrics.TlsFailure;
import io.blockseal.metrics.TlsFigures;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.List;

/** Tells Prometheus how connections are protected. On the admin loop. */
final class TlsCollector extends Collector {
    private final TlsFigures figures;

    TlsCollector(TlsFigures figures) {
        this.figures = figures;
    }

    @Override
    public List<MetricFamilySamples> collect() {
        List<MetricFamilySamples> families = new ArrayList<>();
        families.addAll(new Families<>(List.of(figures), List.of(), unused -> List.of())
                .counter(
                        "blockseal_plain_connections_total",
                        "Clients that opened an export without TLS",
                        TlsFigures::plain)
                .gauge(
                        "blockseal_tls_certificate_end_seconds",
                        "When our certificate ends, in Unix time; only where there is one",
                        tls -> tls.certificateEndSeconds() != 0,
                        TlsFigures::certificateEndSeconds)
                .list());
        families.addAll(new Families<>(
                        figures.secured(),
                        List.of("version", "proof"),
                        secured -> List.of(secured.version(), secured.proof()))
                .counter(
                        "blockseal_tls_handshakes_total",
                        "TLS handshakes that succeeded, by version and by what the client proved itself with",
                        TlsFigures.Secured::count)
                .list());
        families.addAll(
                new Families<>(List.of(TlsFailure.values()), List.of("reason"), reason -> List.of(reason.word()))
                        .counter(
                                "blockseal_tls_handshake_failures_total",
                                "TLS handshakes that failed, by reason",
                                figures::failures)
                        .list());
        families.addAll(new Families<>(List.of(TlsBreach.values()), List.of("reason"), reason -> List.of(reason.word()))
                .counter(
                        "blockseal_tls_breaches_total",
                        "Connections that were closed for what came over TLS after its handshake, by reason",
                        figures::breaches)
                .list());
        return families;
    }
}
