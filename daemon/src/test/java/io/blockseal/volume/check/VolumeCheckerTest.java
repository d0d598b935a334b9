package io.blockseal.volume.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.MetadataLayout;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.Forger;
import io.blockseal.volume.TamperRig;
import io.blockseal.volume.TamperTable;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a check finds in a volume that somebody changed. */
@ExtendWith(TamperTable.class)
class VolumeCheckerTest {
    private TamperRig rig;
    private VolumeFixture fixture;
    private MemoryStore store;

    @BeforeEach
    void create() throws Exception {
        rig = new TamperRig();
        fixture = rig.fixture;
        store = rig.store;
    }

    @Test
    void findsNothingInAGoodVolume() throws Exception {
        assertEquals(List.of(), check().findings());
        assertEquals(62, check().activeRanges());
        assertEquals(
                List.of(),
                VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store))
                        .findings());
    }

    @Test
    void namesEveryDamageAndChangesNothing() throws Exception {
        try (Forger forger = rig.forger()) {
            forger.forgePage(
                    0,
                    page -> page.entry(
                            0, Forger.changed(page.entry(0), 0, page.entry(0).slot())));
        }
        store.flip((1 << 20) + 99);
        store.flip(TamperRig.PAGES_B + 4096 + 500);
        store.flip(MetadataLayout.keySlotAreaOffset(1) + 99);
        String before = store.fingerprint();
        CheckReport report = check();
        assertEquals(
                List.of("root B", "key slot area B", "range 0", "table page 1 copy B"),
                report.findings().stream().map(CheckReport.Finding::block).toList());
        assertTrue(report.damaged());
        assertEquals(before, store.fingerprint());
    }

    private CheckReport check() throws Exception {
        return VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), List.of(fixture.key(1)));
    }
}
