package io.blockseal.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.metrics.KeyFigures;
import io.blockseal.metrics.RefusalFigures;
import io.blockseal.metrics.ReloadFigures;
import io.blockseal.metrics.Remembered;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.rotation.Rotations;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Patience;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeLock;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.metadata.VolumeStores;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the page says of a volume while its ranges are rotated, shredded and locked. */
class KeyMetricsTest {
    private static final int RANGES = 8;
    private static final long BEGIN = 1_800_000_000;
    private static final long DAY = 86_400;
    private static final String DB = "export=db";

    private final VolumeFixture fixture = new VolumeFixture();
    private final AtomicLong seconds = new AtomicLong(BEGIN);
    private final AtomicLong nanos = new AtomicLong();
    private Volume volume;
    private MetricsPage page;

    @BeforeEach
    void open() throws Exception {
        volume = new VolumeOpener(
                        fixture.engine(), HostMemory.none(), Runnable::run, () -> Instant.ofEpochSecond(seconds.get()))
                .open(VolumeStores.inBand(fixture.create(RANGES)), List.of(fixture.key(1)), OpenOptions.DEFAULT);
        Remembered<KeyFigures> figures = new Remembered<>(5, nanos::get);
        page = new MetricsPage(new MetricsSources(
                "1.2.3",
                "java",
                "heap",
                List::of,
                List::of,
                () -> List.of(ExportKeys.of("db", volume, figures)),
                List::of,
                new TlsFigures(),
                new RefusalFigures(),
                new ReloadFigures(InstantSource.fixed(Instant.ofEpochSecond(1_700_000_000))),
                () -> 0,
                () -> 0,
                () -> 0,
                () -> 0,
                () -> 0,
                () -> 0));
    }

    @AfterEach
    void close() {
        page.close();
        volume.close();
    }

    /** A scrape, long enough after the last one. */
    private Exposition scrape() {
        nanos.addAndGet(5);
        return Exposition.parse(page.render().body());
    }

    private void rotate(long range) throws Exception {
        assertTrue(Rotations.rotate(volume, range, Patience.TWENTY_SECONDS));
    }

    @Test
    void followsRangesFromTheirFirstWriteThroughRotationShreddingAndLock() throws Exception {
        Exposition fresh = scrape();
        assertEquals(RANGES, fresh.value("blockseal_ranges", DB, "state=none"));
        assertFalse(fresh.samples.containsKey("blockseal_dek_age_oldest_seconds{export=db}"), "no key has no age");
        assertFalse(fresh.samples.containsKey("blockseal_rotation_rekeyed_ratio{export=db}"), "there was no rotation");
        assertEquals(RANGES + 2, fresh.value("blockseal_slots_free", DB));

        // All ranges of a page get their DEKs together.
        fixture.write(volume, 0, 1);
        seconds.addAndGet(10 * DAY);
        rotate(2);
        rotate(5);
        seconds.addAndGet(DAY);
        VolumeShredder.shred(volume, 6, 1);

        Exposition used = scrape();
        assertEquals(0, used.value("blockseal_ranges", DB, "state=none"));
        assertEquals(7, used.value("blockseal_ranges", DB, "state=active"));
        assertEquals(1, used.value("blockseal_ranges", DB, "state=shredded"));
        assertEquals(11 * DAY, used.value("blockseal_dek_age_oldest_seconds", DB));
        assertEquals(11 * DAY, used.value("blockseal_dek_age_median_seconds", DB));
        assertEquals(2, used.value("blockseal_dek_generation_max", DB));
        assertEquals(1, used.value("blockseal_dek_generation_median", DB));
        assertEquals(3, used.value("blockseal_slots_free", DB), "two, and the one of the range that was shredded");
        assertEquals(10, used.value("blockseal_deks_made_total", DB));
        assertEquals(3, used.value("blockseal_deks_destroyed_total", DB));
        assertEquals(1, used.value("blockseal_ranges_shredded_total", DB, "cause=operator"));
        assertEquals(0, used.value("blockseal_ranges_shredded_total", DB, "cause=discard"));
        assertEquals(2, used.value("blockseal_ranges_rotated_total", DB));
        assertEquals(2.0 / 7, used.value("blockseal_rotation_rekeyed_ratio", DB), 1e-9);
        assertEquals(0, used.value("blockseal_rotation_active", DB));
        assertEquals(1, used.value("blockseal_rotation_ranges", DB), "the last one was of one range");
        assertEquals(1, used.value("blockseal_rotation_ranges_done", DB));
        assertEquals(0, used.value("blockseal_rotation_failures_total", DB));
        assertTrue(used.value("blockseal_rotation_copied_bytes_total", DB) >= 2 * VolumeFixture.RANGE);
        assertEquals(1, used.value("blockseal_volume_key_epoch", DB));

        volume.lock().lock(VolumeLock.Policy.FREEZE);
        seconds.addAndGet(DAY);
        Exposition locked = scrape();
        assertEquals(7, locked.value("blockseal_ranges", DB, "state=active"));
        assertEquals(12 * DAY, locked.value("blockseal_dek_age_oldest_seconds", DB), "keys age while it is locked");
        volume.lock().unlock(List.of(fixture.key(1)));
    }

    @Test
    void theTableIsNotAddedUpForEveryScraper() throws Exception {
        scrape();
        fixture.write(volume, 0, 1);
        Exposition another = Exposition.parse(page.render().body());
        assertEquals(0, another.value("blockseal_ranges", DB, "state=active"));
        assertEquals(RANGES, scrape().value("blockseal_ranges", DB, "state=active"));
    }
}
