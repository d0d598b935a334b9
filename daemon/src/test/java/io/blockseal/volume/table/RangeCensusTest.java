package io.blockseal.volume.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.job.JobControl;
import io.blockseal.metrics.KeyFigures;
import io.blockseal.rotation.Rotations;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.KeySlots;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Patience;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeKeyRotation;
import io.blockseal.volume.VolumeLock;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.header.HeaderSnapshot;
import io.blockseal.volume.header.RangeReport;
import io.blockseal.volume.metadata.VolumeStores;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What a scrape is told must be what {@code info --ranges} tells, without a look at the disk. */
class RangeCensusTest {
    private static final int RANGES = 33;
    private static final int UNITS_PER_RANGE = (int) (VolumeFixture.RANGE / VolumeFixture.UNIT);

    private final VolumeFixture fixture = new VolumeFixture();
    private final AtomicLong seconds = new AtomicLong(1_700_000_100);

    private Volume open(MemoryStore store) throws Exception {
        return new VolumeOpener(
                        fixture.engine(), HostMemory.none(), Runnable::run, () -> Instant.ofEpochSecond(seconds.get()))
                .open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT);
    }

    /** 31 ranges of one page with keys of one day, of which one is shredded, two are rotated later; two more ranges. */
    private void use(Volume volume) throws Exception {
        fixture.write(volume, 0, 1);
        VolumeShredder.shred(volume, 4, 1);
        seconds.addAndGet(500);
        assertTrue(Rotations.rotate(volume, 7, Patience.TWENTY_SECONDS));
        assertTrue(Rotations.rotate(volume, 7, Patience.TWENTY_SECONDS));
        assertTrue(Rotations.rotate(volume, 9, Patience.TWENTY_SECONDS));
    }

    @Test
    void addsUpWhatTheReportOfTheMetadataSays() throws Exception {
        MemoryStore store = fixture.create(RANGES);
        try (Volume volume = open(store)) {
            use(volume);
            KeyFigures figures = volume.keyFigures(seconds.get());
            assertEquals(new KeyFigures(2, 30, 1, 0, 1_700_000_100, 1_700_000_100, 3, 1, 0, 0, 2), figures);

            RangeReport report = RangeReport.of(
                    HeaderSnapshot.take(VolumeStores.inBand(store), seconds.get(), CheckProgress.SILENT));
            assertEquals(report.count(RangeWord.NONE), figures.none());
            assertEquals(report.count(RangeWord.ACTIVE), figures.active());
            assertEquals(report.count(RangeWord.SHREDDED), figures.shredded());
            assertEquals(report.count(RangeWord.LOST), figures.lost());
            assertEquals(report.oldestSeconds(), figures.oldestSeconds());
            assertEquals(report.medianSeconds(), figures.medianSeconds());
            assertEquals(report.generationMax(), figures.generationMax());
            assertEquals(report.madeSince(seconds.get()), figures.madeSince());
        }
    }

    @Test
    void tellsOfAVolumeThatIsLocked() throws Exception {
        try (Volume volume = open(fixture.create(RANGES))) {
            use(volume);
            KeyFigures before = volume.keyFigures(0);
            volume.lock().lock(VolumeLock.Policy.FREEZE);
            assertEquals(before, volume.keyFigures(0));
        }
    }

    @Test
    void hasNoAgesWhereThereIsNoDek() throws Exception {
        try (Volume volume = open(fixture.create(RANGES))) {
            assertEquals(new KeyFigures(RANGES, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), volume.keyFigures(0));
        }
    }

    @Test
    void aRangeThatIsLostCountsAsLostAlone() throws Exception {
        MemoryStore store = fixture.create(RANGES);
        try (Volume volume = open(store)) {
            use(volume);
            volume.table().lose(0);
            KeyFigures figures = volume.keyFigures(0);
            assertEquals(1, figures.lost());
            assertEquals(29, figures.active());
        }
    }

    @Test
    void whatWasEncipheredCountsAsLongAsItsDekIsThere() throws Exception {
        try (Volume volume = open(fixture.create(RANGES))) {
            use(volume);
            volume.enciphered(0, 5 * VolumeFixture.UNIT);
            volume.enciphered(7, 2 * VolumeFixture.UNIT);
            assertEquals(7 * VolumeFixture.UNIT, volume.keyFigures(0).encipheredBytes(), "before any commit");
            assertEquals(5 * VolumeFixture.UNIT, volume.keyFigures(0).encipheredBytesMax());

            assertTrue(Rotations.rotate(volume, 0, Patience.TWENTY_SECONDS));
            KeyFigures rotated = volume.keyFigures(0);
            assertEquals(3 * VolumeFixture.UNIT, rotated.encipheredBytes(), "the one unit that was written is copied");
            assertEquals(2 * VolumeFixture.UNIT, rotated.encipheredBytesMax());

            VolumeShredder.shred(volume, 7, 1);
            assertEquals(VolumeFixture.UNIT, volume.keyFigures(0).encipheredBytes());
        }
    }

    @Test
    void countsEachDekThatIsMadeOrDestroyedOnce() throws Exception {
        try (Volume volume = open(fixture.create(RANGES))) {
            use(volume);
            // 31 by the first write, 3 by rotation; those, and the one that was shredded, are gone.
            assertEquals(34, volume.keyChanges().deksMade());
            assertEquals(4, volume.keyChanges().deksDestroyed());
            assertEquals(1, volume.keyChanges().shreddedByOperators());
            assertEquals(0, volume.keyChanges().shreddedByDiscards());

            fixture.write(volume, 4 * UNITS_PER_RANGE, 1);
            assertEquals(35, volume.keyChanges().deksMade(), "a range that was shredded gets another");
            assertEquals(4, volume.keyChanges().deksDestroyed());
        }
    }

    @Test
    void neitherOpeningNorANewWrappingMakesADek() throws Exception {
        MemoryStore store = fixture.create(RANGES);
        try (Volume volume = open(store)) {
            use(volume);
        }
        try (Volume volume = open(store)) {
            assertEquals(0, volume.keyChanges().deksMade());
            VolumeKeyRotation rotation = volume.volumeKeyRotation();
            rotation.begin(List.of(fixture.key(1)), Set.of());
            rotation.goOn(JobControl.ALONE);
            assertEquals(0, volume.keyChanges().deksMade());
            assertEquals(0, volume.keyChanges().deksDestroyed());
            assertEquals(0, volume.keyChanges().keksRotated());

            volume.keySlots().rewrap(KeySlots.WHICHEVER_OPENS, List.of(fixture.key(1)), fixture.key(2));
            assertEquals(1, volume.keyChanges().keksRotated());
        }
    }

    @Test
    void freeSlotsAreThoseThatNoRangeHas() throws Exception {
        MemoryStore store = fixture.create(RANGES);
        try (Volume volume = open(store)) {
            assertEquals(RANGES + 2, volume.freeSlots(), "one for each range, and two more");
            use(volume);
            assertEquals(RANGES + 2 - 30, volume.freeSlots());
        }
        try (Volume volume = open(store)) {
            assertEquals(RANGES + 2 - 30, volume.freeSlots());
        }
    }
}
