package io.blockseal.admin;

import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.RequestKind;
import io.blockseal.metrics.RequestRecorder;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.ToLongBiFunction;
import java.util.function.ToLongFunction;

/** Adds up the loops' counters when Prometheus asks; the data path knows nothing of it. On the admin loop. */
final class DataPathCollector extends Collector {
    /** Every state that {@code blockseal_volume_state} has a series for. */
    static final List<String> STATES = List.of("opening", "open", "locked", "failed", "closed", "erased");

    private final MetricsSources sources;

    DataPathCollector(MetricsSources sources) {
        this.sources = sources;
    }

    @Override
    public List<MetricFamilySamples> collect() {
        Collection<ExportMetrics> requests = sources.requests().get();
        Collection<ExportHealth> exports = sources.exports().get();
        List<MetricFamilySamples> families = new ArrayList<>();
        families.add(byCommand(
                "blockseal_requests_total", "Requests answered, by command", requests, RequestRecorder::requests));
        families.add(byCommand(
                "blockseal_request_errors_total",
                "Requests answered with an error, by command",
                requests,
                RequestRecorder::errors));
        families.add(bytes(requests));
        families.add(durations(requests));
        families.add(gauge(
                "blockseal_connections", "Connections that use the export", requests, RequestRecorder::connections));
        families.add(gauge(
                "blockseal_requests_in_flight",
                "Requests received and not yet answered",
                requests,
                RequestRecorder::inFlight));
        families.addAll(new Families<>(requests, List.of("export"), export -> List.of(export.exportName()))
                .counter(
                        "blockseal_access_refusals_total",
                        "Clients that asked for the export and were kept from it by its access list",
                        ExportMetrics::refusals)
                .counter(
                        "blockseal_requests_slowed_total",
                        "How often a connection had to wait because its export's limit was reached",
                        ExportMetrics::slowed)
                .list());
        families.add(single(
                "blockseal_buffer_pool_leased_bytes",
                Type.GAUGE,
                "Buffer memory that holds guest data now",
                sources.bufferLeasedBytes().getAsLong()));
        families.add(single(
                "blockseal_buffer_pool_mapped_bytes",
                Type.GAUGE,
                "Buffer memory taken from the system",
                sources.bufferMappedBytes().getAsLong()));
        families.add(single(
                "blockseal_buffer_pool_limit_bytes",
                Type.GAUGE,
                "The most buffer memory that may be taken",
                sources.bufferLimitBytes().getAsLong()));
        families.add(single(
                "blockseal_rollback_anchor_failures_total",
                Type.COUNTER,
                "Times that the last state of a volume could not be remembered",
                sources.anchorFailures().getAsLong()));
        families.add(single(
                "blockseal_audit_failures_total",
                Type.COUNTER,
                "Times that a line of the audit log could not be written or sent",
                sources.auditFailures().getAsLong()));
        families.add(single(
                "blockseal_audit_waiting",
                Type.GAUGE,
                "Lines that are not in the audit log yet",
                sources.auditWaiting().getAsLong()));
        families.add(byExport(
                "blockseal_dek_cache_hits_total",
                "Look-ups that found the range key unwrapped",
                Type.COUNTER,
                exports,
                ExportHealth::dekCacheHits));
        families.add(byExport(
                "blockseal_dek_cache_misses_total",
                "Look-ups for which the range key had to be unwrapped",
                Type.COUNTER,
                exports,
                ExportHealth::dekCacheMisses));
        families.add(byExport(
                "blockseal_dek_cache_evictions_total",
                "Unwrapped range keys wiped to make room",
                Type.COUNTER,
                exports,
                ExportHealth::dekCacheEvictions));
        families.add(byExport(
                "blockseal_volume_size_bytes",
                "Size that clients see; 0 while not open",
                Type.GAUGE,
                exports,
                ExportHealth::sizeBytes));
        families.add(byExport(
                "blockseal_store_losses_total",
                "Flushes of the storage that failed: what was written before may be lost",
                Type.COUNTER,
                exports,
                ExportHealth::storeLosses));
        families.add(byExport(
                "blockseal_store_troubled",
                "1 while the last flush failed or the storage does not answer, else 0",
                Type.GAUGE,
                exports,
                export -> export.storeTroubled() ? 1 : 0));
        families.add(byExport(
                "blockseal_ring_requests_total",
                "Reads and writes of the storage that an io_uring has done",
                Type.COUNTER,
                exports,
                ExportHealth::ringRequests));
        families.add(byExport(
                "blockseal_metadata_mirror_up",
                "1 while the metadata mirror has what the volume has, 0 while it failed or there is none",
                Type.GAUGE,
                exports,
                export -> export.mirror() == ExportHealth.Mirror.UP ? 1 : 0));
        families.add(byExport(
                "blockseal_metadata_recoveries_total",
                "How often the metadata was made whole again while the volume was served",
                Type.COUNTER,
                exports,
                ExportHealth::metadataRecoveries));
        families.add(byExport(
                "blockseal_overdue_keys",
                "Ranges whose key was beyond the limits of the configuration at the last look",
                Type.GAUGE,
                exports,
                ExportHealth::overdueKeys));
        families.add(states(exports));
        families.add(keyStandings(exports));
        families.add(keyVerified(exports));
        return families;
    }

    private static MetricFamilySamples keyStandings(Collection<ExportHealth> exports) {
        String name = "blockseal_key_access";
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (ExportHealth export : exports) {
            for (String standing : KeyHealth.STANDINGS) {
                samples.add(new MetricFamilySamples.Sample(
                        name,
                        List.of("export", "standing"),
                        List.of(export.export(), standing),
                        export.key().standing().equals(standing) ? 1 : 0));
            }
        }
        return new MetricFamilySamples(
                name, Type.GAUGE, "1 for how things stand with the key source of the volume, else 0", samples);
    }

    private static MetricFamilySamples keyVerified(Collection<ExportHealth> exports) {
        String name = "blockseal_key_verified_age_seconds";
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (ExportHealth export : exports) {
            if (export.key().wasGiven()) {
                samples.add(new MetricFamilySamples.Sample(
                        name,
                        List.of("export"),
                        List.of(export.export()),
                        export.key().verifiedSecondsAgo()));
            }
        }
        return new MetricFamilySamples(
                name,
                Type.GAUGE,
                "How long ago the key source has opened the volume last; only of keys outside this machine",
                samples);
    }

    private static MetricFamilySamples byCommand(
            String name,
            String help,
            Collection<ExportMetrics> exports,
            ToLongBiFunction<RequestRecorder, RequestKind> figure) {
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (ExportMetrics export : exports) {
            for (RequestKind kind : RequestKind.values()) {
                long sum = sum(export, recorder -> figure.applyAsLong(recorder, kind));
                samples.add(sample(name, List.of("export", "command"), export, kind.label(), (double) sum));
            }
        }
        return new MetricFamilySamples(name, Type.COUNTER, help, samples);
    }

    private static MetricFamilySamples bytes(Collection<ExportMetrics> exports) {
        String name = "blockseal_bytes_total";
        List<String> labels = List.of("export", "direction");
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (ExportMetrics export : exports) {
            long read = sum(export, recorder -> recorder.bytes(RequestKind.READ));
            long written = sum(export, recorder -> recorder.bytes(RequestKind.WRITE));
            samples.add(sample(name, labels, export, "read", (double) read));
            samples.add(sample(name, labels, export, "write", (double) written));
        }
        return new MetricFamilySamples(
                name, Type.COUNTER, "Guest data read and written by requests that went well", samples);
    }

    private static MetricFamilySamples durations(Collection<ExportMetrics> exports) {
        String name = "blockseal_request_duration_seconds";
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (ExportMetrics export : exports) {
            for (RequestKind kind : RequestKind.values()) {
                histogram(name, export, kind, samples);
            }
        }
        return new MetricFamilySamples(
                name,
                Type.HISTOGRAM,
                "From the whole request received to its answer handed to the socket; only commands that occurred",
                samples);
    }

    private static void histogram(
            String name, ExportMetrics export, RequestKind kind, List<MetricFamilySamples.Sample> samples) {
        List<MetricFamilySamples.Sample> buckets = new ArrayList<>();
        long cumulative = 0;
        for (int i = 0; i < RequestRecorder.LATENCY_BUCKETS; i++) {
            int index = i;
            cumulative += sum(export, recorder -> recorder.latency(kind, index));
            boolean last = i == RequestRecorder.LATENCY_BUCKETS - 1;
            double bound = last ? Double.POSITIVE_INFINITY : (1L << i) / 1e6;
            buckets.add(new MetricFamilySamples.Sample(
                    name + "_bucket",
                    List.of("export", "command", "le"),
                    List.of(export.exportName(), kind.label(), doubleToGoString(bound)),
                    cumulative));
        }
        if (cumulative == 0) {
            return; // 29 lines for each command that a client never uses help nobody.
        }
        samples.addAll(buckets);
        List<String> labels = List.of("export", "command");
        double seconds = sum(export, recorder -> recorder.nanos(kind)) / 1e9;
        samples.add(sample(name + "_count", labels, export, kind.label(), (double) cumulative));
        samples.add(sample(name + "_sum", labels, export, kind.label(), seconds));
    }

    private static MetricFamilySamples gauge(
            String name, String help, Collection<ExportMetrics> exports, ToLongFunction<RequestRecorder> figure) {
        List<MetricFamilySamples.Sample> samples = exports.stream()
                .map(export -> new MetricFamilySamples.Sample(
                        name, List.of("export"), List.of(export.exportName()), sum(export, figure)))
                .toList();
        return new MetricFamilySamples(name, Type.GAUGE, help, samples);
    }

    private static MetricFamilySamples single(String name, Type type, String help, long value) {
        return new MetricFamilySamples(
                name, type, help, List.of(new MetricFamilySamples.Sample(name, List.of(), List.of(), value)));
    }

    private static MetricFamilySamples byExport(
            String name,
            String help,
            Type type,
            Collection<ExportHealth> exports,
            ToLongFunction<ExportHealth> figure) {
        List<MetricFamilySamples.Sample> samples = exports.stream()
                .map(export -> new MetricFamilySamples.Sample(
                        name, List.of("export"), List.of(export.export()), figure.applyAsLong(export)))
                .toList();
        return new MetricFamilySamples(name, type, help, samples);
    }

    private static MetricFamilySamples states(Collection<ExportHealth> exports) {
        String name = "blockseal_volume_state";
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (ExportHealth export : exports) {
            for (String state : STATES) {
                samples.add(new MetricFamilySamples.Sample(
                        name,
                        List.of("export", "state"),
                        List.of(export.export(), state),
                        export.state().equals(state) ? 1 : 0));
            }
        }
        return new MetricFamilySamples(name, Type.GAUGE, "1 for the state that the volume is in, else 0", samples);
    }

    private static MetricFamilySamples.Sample sample(
            String name, List<String> labels, ExportMetrics export, String second, double value) {
        return new MetricFamilySamples.Sample(name, labels, List.of(export.exportName(), second), value);
    }

    private static long sum(ExportMetrics export, ToLongFunction<RequestRecorder> figure) {
        long sum = 0;
        for (int loop = 0; loop < export.loopCount(); loop++) {
            sum += figure.applyAsLong(export.recorder(loop));
        }
        return sum;
    }
}
