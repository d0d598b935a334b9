package io.blockseal.admin;

import io.blockseal.metrics.ConnectionRefusal;
import io.blockseal.metrics.CutOff;
import io.blockseal.metrics.RefusalFigures;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.List;

/** Tells Prometheus who found no place at the server, and who lost it again by a limit. On the admin loop. */
final class RefusalCollector extends Collector {
    private static final List<String> REASON = List.of("reason");

    private final RefusalFigures figures;

    RefusalCollector(RefusalFigures figures) {
        this.figures = figures;
    }

    @Override
    public List<MetricFamilySamples> collect() {
        List<MetricFamilySamples> all = new ArrayList<>();
        all.addAll(new Families<>(List.of(ConnectionRefusal.values()), REASON, reason -> List.of(reason.word()))
                .counter(
                        "blockseal_connections_refused_total",
                        "Connections that were closed as soon as they were accepted, by the limit that was reached",
                        figures::countOf)
                .list());
        all.addAll(new Families<>(List.of(CutOff.values()), REASON, limit -> List.of(limit.word()))
                .counter(
                        "blockseal_connections_cut_off_total",
                        "Connections that had been let in and were ended by a limit, by which",
                        figures::countOf)
                .list());
        return all;
    }
}
