package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.MetadataLayout;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.check.CheckReport;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The store cannot read a block of the metadata. */
@ExtendWith(TamperTable.class)
class BadSectorTest {
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
    void losesNothingWhereverItIsInTheMetadata() throws Exception {
        String before = store.fingerprint();
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            long root = MetadataLayout.rootOffset(copy);
            long area = MetadataLayout.keySlotAreaOffset(copy);
            long pages = copy == 0 ? TamperRig.PAGES_A : TamperRig.PAGES_B;
            for (long block : new long[] {root, area, area + 12288, pages, pages + 4096}) {
                store.spoil(block);
                try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.forReading())) {
                    assertEquals(3, fixture.read(volume, 40 * 16), "block at " + block);
                }
                try (Volume volume = fixture.open(store)) {
                    assertEquals(1, fixture.read(volume, 0), "block at " + block);
                    assertEquals(3, fixture.read(volume, 40 * 16), "block at " + block);
                }
                store.read(block, ByteBuffer.allocate(4096));
                assertEquals(before, store.fingerprint(), "written again, with what was there");
            }
        }
    }

    @Test
    void inBothCopiesIsAnErrorOfTheStoreAndNoReasonToGiveAnythingUp() {
        store.spoil(TamperRig.PAGES_A + 4096);
        store.spoil(TamperRig.PAGES_B + 4096);
        rig.refused(StoreException.class);
    }

    @Test
    void inBothRootsIsAnErrorOfTheStore() {
        store.spoil(0);
        store.spoil(1 << 20);
        rig.refused(StoreException.class);
    }

    @Test
    void isReportedByTheChecker() throws Exception {
        store.spoil(1 << 20);
        store.spoil(TamperRig.PAGES_A);
        CheckReport report = VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), List.of(fixture.key(1)));
        assertEquals(
                List.of("root B", "table page 0 copy A"),
                report.findings().stream().map(CheckReport.Finding::block).toList());
        assertTrue(!report.damaged());
    }
}
