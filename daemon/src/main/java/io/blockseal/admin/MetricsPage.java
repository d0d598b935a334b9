package io.blockseal.admin;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheus.PrometheusConfig;
import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.prometheus.client.exporter.common.TextFormat;

/**
 * {@code /metrics} in Prometheus' text format: the JVM and the process by Micrometer, the data path by
 * {@link DataPathCollector} straight from its striped counters, keys by {@link KeyCollector}, jobs by
 * {@link JobCollector}, TLS by {@link TlsCollector}, connections that found no place by {@link RefusalCollector}, the configuration by {@link ReloadCollector}. Made only where an admin address is given.
 */
@SuppressWarnings("deprecation") // The simpleclient registry is the one whose dependencies are small.
public final class MetricsPage implements AutoCloseable {
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final JvmGcMetrics collections = new JvmGcMetrics();

    /** Registers everything that {@code sources} offers. */
    public MetricsPage(MetricsSources sources) {
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ClassLoaderMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        collections.bindTo(registry);
        Gauge.builder("process.resident.memory", ProcessFigures::residentBytes)
                .description("Resident memory of the process")
                .baseUnit("bytes")
                .register(registry);
        // Micrometer's own processor metrics have names that promtool objects to.
        FunctionCounter.builder("process.cpu", this, page -> ProcessFigures.cpuSeconds())
                .description("Processor time of the process, user and system")
                .baseUnit("seconds")
                .register(registry);
        Gauge.builder("blockseal.build.info", () -> 1)
                .description("Which build this is, in its labels")
                .tags(Tags.of("version", sources.version()))
                .register(registry);
        Gauge.builder("blockseal.key.protection.info", () -> 1)
                .description("Which cipher engine runs and how well it keeps keys, in its labels")
                .tags(Tags.of("engine", sources.engine(), "keys", sources.keyProtection()))
                .register(registry);
        registry.getPrometheusRegistry().register(new DataPathCollector(sources));
        registry.getPrometheusRegistry().register(new KeyCollector(sources));
        registry.getPrometheusRegistry().register(new JobCollector(sources));
        registry.getPrometheusRegistry().register(new TlsCollector(sources.tls()));
        registry.getPrometheusRegistry().register(new RefusalCollector(sources.refusals()));
        registry.getPrometheusRegistry().register(new ReloadCollector(sources.reloads()));
    }

    /** The page. */
    public AdminPage.Answer render() {
        return new AdminPage.Answer(200, TextFormat.CONTENT_TYPE_004, registry.scrape());
    }

    /** Ends listening to the collector's notifications. */
    @Override
    public void close() {
        collections.close();
        registry.close();
    }
}
