package io.blockseal.admin;

import io.blockseal.metrics.ReloadFigures;
import io.blockseal.metrics.ReloadResult;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.List;

/** Tells Prometheus whether the configuration file is in force. On the admin loop. */
final class ReloadCollector extends Collector {
    private final ReloadFigures figures;

    ReloadCollector(ReloadFigures figures) {
        this.figures = figures;
    }

    @Override
    public List<MetricFamilySamples> collect() {
        List<MetricFamilySamples> families = new ArrayList<>();
        families.addAll(new Families<>(List.of(figures), List.of(), unused -> List.of())
                .gauge(
                        "blockseal_config_in_force",
                        "1 if all that the configuration said when it was loaded last is in force",
                        each -> each.isInForce() ? 1 : 0)
                .gauge(
                        "blockseal_config_in_force_seconds",
                        "When all of the configuration was in force last, in Unix time",
                        ReloadFigures::doneSeconds)
                .list());
        families.addAll(
                new Families<>(List.of(ReloadResult.values()), List.of("result"), result -> List.of(result.word()))
                        .counter(
                                "blockseal_config_reloads_total",
                                "How often the configuration was loaded again, by what came of it",
                                figures::countOf)
                        .list());
        return families;
    }
}
