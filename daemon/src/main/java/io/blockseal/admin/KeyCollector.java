package io.blockseal.admin;

import io.blockseal.metrics.KeyFigures;
import io.blockseal.metrics.RotationMetrics;
import io.prometheus.client.Collector;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Tells Prometheus of the keys of all volumes. On the admin loop. */
final class KeyCollector extends Collector {
    private static final List<String> EXPORT = List.of("export");

    private final MetricsSources sources;

    KeyCollector(MetricsSources sources) {
        this.sources = sources;
    }

    @Override
    public List<MetricFamilySamples> collect() {
        Collection<ExportKeys> exports = sources.keys().get();
        List<MetricFamilySamples> families = new ArrayList<>();
        families.add(byState(exports));
        families.addAll(of(exports)
                .gauge(
                        "blockseal_dek_age_oldest_seconds",
                        "Age of the oldest range key; none if no range has one",
                        KeyCollector::hasDeks,
                        keys -> keys.ageSeconds(keys.figures().oldestSeconds()))
                .gauge(
                        "blockseal_dek_age_median_seconds",
                        "Age that half of the range keys do not exceed; none if no range has one",
                        KeyCollector::hasDeks,
                        keys -> keys.ageSeconds(keys.figures().medianSeconds()))
                .gauge("blockseal_dek_generation_max", "The most keys that a range has had", keys -> keys.figures()
                        .generationMax())
                .gauge(
                        "blockseal_dek_generation_median",
                        "How many keys the range in the middle has had; none if no range has one",
                        KeyCollector::hasDeks,
                        keys -> keys.figures().generationMedian())
                .gauge(
                        "blockseal_dek_encrypted_bytes",
                        "Enciphered under all range keys in use, at least",
                        keys -> keys.figures().encipheredBytes())
                .gauge(
                        "blockseal_dek_encrypted_bytes_max",
                        "Enciphered under the range key that has enciphered the most, at least",
                        keys -> keys.figures().encipheredBytesMax())
                .gauge(
                        "blockseal_slots_free",
                        "Places free for a range to be copied to; rotation needs one",
                        ExportKeys::freeSlots)
                .counter(
                        "blockseal_deks_made_total",
                        "Range keys made since the volume was opened",
                        keys -> keys.changes().deksMade())
                .counter(
                        "blockseal_deks_destroyed_total",
                        "Range keys destroyed since the volume was opened",
                        keys -> keys.changes().deksDestroyed())
                .counter(
                        "blockseal_kek_rotations_total",
                        "Key slots that got another key, or a newer version of theirs",
                        keys -> keys.changes().keksRotated())
                .gauge(
                        "blockseal_volume_key_epoch",
                        "How many volume keys the volume has had",
                        keys -> Integer.toUnsignedLong(keys.volumeKey().epoch()))
                .gauge(
                        "blockseal_volume_key_rotation_active",
                        "1 while range keys may still be under the volume key before, else 0",
                        keys -> keys.volumeKey().underWay() ? 1 : 0)
                .gauge(
                        "blockseal_volume_key_current_ratio",
                        "Share of the key table that is under the current volume key",
                        KeyCollector::currentRatio)
                .list());
        families.add(shredded(exports));
        families.addAll(rotation(exports));
        return families;
    }

    private static List<MetricFamilySamples> rotation(Collection<ExportKeys> exports) {
        return of(exports)
                .gauge(
                        "blockseal_rotation_active",
                        "1 while range keys are rotated, else 0",
                        keys -> keys.rotation().standing().active() ? 1 : 0)
                .gauge(
                        "blockseal_rotation_ranges",
                        "How many ranges the rotation has to do that is under way or was the last",
                        keys -> keys.rotation().standing().rangesTotal())
                .gauge("blockseal_rotation_ranges_done", "How many of them are behind it", keys -> keys.rotation()
                        .standing()
                        .rangesDone())
                .gauge(
                        "blockseal_rotation_rate_limit_bytes_per_second",
                        "How many bytes it may copy in a second; none if it has no limit or is not under way",
                        keys -> isLimited(keys.rotation().standing()),
                        keys -> keys.rotation().standing().bytesPerSecond())
                .gauge(
                        "blockseal_rotation_rekeyed_ratio",
                        "Share of the range keys in use that are as new as it wants them",
                        keys -> hasDeks(keys) && keys.rotation().standing().sinceSeconds() != RotationMetrics.NEVER,
                        keys -> (double) keys.figures().madeSince()
                                / keys.figures().active())
                .counter(
                        "blockseal_rotation_copied_bytes_total",
                        "Copied by rotations of range keys since the volume was opened",
                        keys -> keys.rotation().copiedBytes())
                .counter(
                        "blockseal_rotation_failures_total",
                        "Ranges that could not be rotated and keep their keys",
                        keys -> keys.rotation().failures())
                .counter(
                        "blockseal_ranges_rotated_total",
                        "Ranges that got new keys by rotation since the volume was opened",
                        keys -> keys.rotation().rangesRotated())
                .list();
    }

    private static boolean isLimited(RotationMetrics.Standing standing) {
        return standing.active() && standing.bytesPerSecond() != Long.MAX_VALUE;
    }

    private static Families<ExportKeys> of(Collection<ExportKeys> exports) {
        return new Families<>(exports, EXPORT, keys -> List.of(keys.export()));
    }

    private static boolean hasDeks(ExportKeys keys) {
        return keys.figures().active() > 0;
    }

    private static double currentRatio(ExportKeys keys) {
        long pages = keys.volumeKey().pages();
        return pages == 0 ? 1 : (double) keys.volumeKey().donePages() / pages;
    }

    private static MetricFamilySamples byState(Collection<ExportKeys> exports) {
        String name = "blockseal_ranges";
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (ExportKeys keys : exports) {
            KeyFigures figures = keys.figures();
            samples.add(sample(name, "state", keys, "none", figures.none()));
            samples.add(sample(name, "state", keys, "active", figures.active()));
            samples.add(sample(name, "state", keys, "shredded", figures.shredded()));
            samples.add(sample(name, "state", keys, "lost", figures.lost()));
        }
        return new MetricFamilySamples(name, Type.GAUGE, "Ranges of the volume, by what they have of a key", samples);
    }

    private static MetricFamilySamples shredded(Collection<ExportKeys> exports) {
        String name = "blockseal_ranges_shredded_total";
        List<MetricFamilySamples.Sample> samples = new ArrayList<>();
        for (ExportKeys keys : exports) {
            samples.add(sample(name, "cause", keys, "operator", keys.changes().shreddedByOperators()));
            samples.add(sample(name, "cause", keys, "discard", keys.changes().shreddedByDiscards()));
        }
        return new MetricFamilySamples(
                name, Type.COUNTER, "Ranges whose key was destroyed since the volume was opened, by why", samples);
    }

    private static MetricFamilySamples.Sample sample(
            String name, String label, ExportKeys keys, String value, long figure) {
        return new MetricFamilySamples.Sample(
                name, List.of("export", label), List.of(keys.export(), value), (double) figure);
    }
}
