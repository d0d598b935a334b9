package io.blockseal.admin;

import io.blockseal.metrics.ConnectionRefusal;
import io.blockseal.metrics.RefusalFigures;
import io.prometheus.client.Collector;
import java.util.List;

/** Tells Prometheus who found no place at the server. On the admin loop. */
final class RefusalCollector extends Collector {
    private final RefusalFigures figures;

    RefusalCollector(RefusalFigures figures) {
        this.figures = figures;
    }

    @Override
    public List<MetricFamilySamples> collect() {
        return new Families<>(List.of(ConnectionRefusal.values()), List.of("reason"), reason -> List.of(reason.word()))
                .counter(
                        "blockseal_connections_refused_total",
                        "Connections that were closed as soon as they were accepted, by the limit that was reached",
                        figures::countOf)
                .list();
    }
}
