package io.blockseal.volume.header;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.store.MemoryStore;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RangeReportTest {
    private static final long LATER = 1_750_000_000;

    private final VolumeFixture fixture = new VolumeFixture();

    private Volume openAt(MemoryStore store, long seconds) throws Exception {
        return new VolumeOpener(
                        fixture.engine(), HostMemory.none(), Runnable::run, () -> Instant.ofEpochSecond(seconds))
                .open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT);
    }

    /** Two pages: 31 keys of one day, one of another, and a few that were destroyed. */
    private MemoryStore store() throws Exception {
        MemoryStore store = fixture.create(32);
        try (Volume volume = openAt(store, 1_700_000_100)) {
            fixture.write(volume, 0, 1);
            VolumeShredder.shred(volume, 2, 3);
        }
        try (Volume volume = openAt(store, LATER)) {
            fixture.write(volume, 31 * 16, 1);
            fixture.write(volume, 3 * 16, 1);
        }
        return store;
    }

    @Test
    void tellsStatesGenerationsAndAges() throws Exception {
        VolumeStores stores = VolumeStores.inBand(store());
        for (HeaderBackup snapshot : List.of(
                HeaderSnapshot.take(stores, LATER, CheckProgress.SILENT),
                HeaderSnapshot.take(
                        fixture.engine(), stores, List.of(fixture.key(1)), -1, LATER, CheckProgress.SILENT))) {
            RangeReport report = RangeReport.of(snapshot);
            List<RangeInfo> ranges = new ArrayList<>();
            report.forEach(ranges::add);
            assertEquals(32, ranges.size());
            assertEquals("active", ranges.get(0).stateWord());
            assertEquals("shredded", ranges.get(2).stateWord());
            assertEquals(0, ranges.get(2).createdSeconds());
            assertEquals(2, ranges.get(3).generation(), "it got a second key");
            assertEquals(LATER, ranges.get(3).createdSeconds());
            assertEquals(30, report.count(RangeWord.ACTIVE));
            assertEquals(2, report.count(RangeWord.SHREDDED));
            assertEquals(0, report.count(RangeWord.LOST));
            assertEquals(2, report.generationMax());
            assertEquals(1_700_000_100, report.oldestSeconds());
            assertEquals(1_700_000_100, report.medianSeconds());
            assertEquals(2, report.madeSince(LATER), "the first of its page, and the one that was shredded");
            assertEquals(2, report.madeSince(1_700_000_101));
            assertEquals(30, report.madeSince(1_700_000_100));
            assertEquals(0, report.madeSince(LATER + 1));
        }
    }

    @Test
    void tellsOfAnOpenVolumeWhatItsMetadataTell() throws Exception {
        MemoryStore store = store();
        List<RangeInfo> onDisk = new ArrayList<>();
        RangeReport.of(HeaderSnapshot.take(VolumeStores.inBand(store), LATER, CheckProgress.SILENT))
                .forEach(onDisk::add);
        try (Volume volume = openAt(store, LATER)) {
            List<RangeInfo> inMemory = new ArrayList<>();
            RangeReport report = RangeReport.of(volume);
            report.forEach(inMemory::add);
            assertEquals(onDisk, inMemory);
            assertEquals(volume.commitSeq(), report.commitSeq());
            fixture.write(volume, 2 * 16, 1);
            RangeReport after = RangeReport.of(volume);
            assertEquals(volume.commitSeq(), after.commitSeq());
            assertEquals(report.count(RangeWord.ACTIVE) + 1, after.count(RangeWord.ACTIVE));
            volume.table().enciphered().add(2, 12345);
            assertEquals(
                    12345 + encryptedBytes(after, 2),
                    encryptedBytes(RangeReport.of(volume), 2),
                    "it waits for no commit");
            assertEquals(2, report.count(RangeWord.SHREDDED), "a report is as of its moment");
        }
    }

    private static long encryptedBytes(RangeReport report, int range) {
        List<RangeInfo> all = new ArrayList<>();
        report.forEach(all::add);
        return all.get(range).encryptedBytes();
    }

    @Test
    void hasNoAgesWhereThereAreNoKeys() throws Exception {
        RangeReport report = RangeReport.of(
                HeaderSnapshot.take(VolumeStores.inBand(fixture.create(5)), LATER, CheckProgress.SILENT));
        assertEquals(5, report.count(RangeWord.NONE));
        assertEquals(0, report.oldestSeconds());
        assertEquals(0, report.madeSince(0));
    }
}
