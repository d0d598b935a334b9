package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.store.MemoryStore;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A store that ends too early is refused with its size, wherever it ends, and not written to. */
@ExtendWith(TamperTable.class)
class TruncationTest {
    private static final long KIB = 1024;
    private static final long NEAR = 128 * KIB;

    @Test
    void isRefusedWhereverTheStoreEnds() throws Exception {
        TamperRig rig = new TamperRig();
        try (TamperTally tally = new TamperTally(
                "T16", "cut at every KiB near a structure, every 64 KiB elsewhere: refused, unchanged")) {
            for (long size : sizes(rig.store.sizeBytes()).descendingSet()) {
                // From long to short, so that one copy serves for all.
                tally.state(size + " bytes", () -> {
                    MemoryStore cut = rig.store;
                    cut.truncate(size);
                    String before = cut.fingerprint();
                    MalformedVolumeException e = assertThrows(
                            MalformedVolumeException.class,
                            () -> rig.fixture.open(cut).close());
                    assertEquals("size", e.field());
                    assertEquals(before, cut.fingerprint());
                });
            }
        }
    }

    /** Every KiB around roots, key slots, the first pages of both copies and the ends; the rest more coarsely. */
    private static TreeSet<Long> sizes(long full) {
        TreeSet<Long> sizes = new TreeSet<>();
        long end = MetadataLayout.EXTENT_BYTES;
        for (long size = 0; size <= end; size += 64 * KIB) {
            sizes.add(size);
        }
        for (long near : new long[] {
            0, MetadataLayout.rootOffset(1), TamperRig.PAGES_A, TamperRig.PAGES_B, end - NEAR, full - NEAR
        }) {
            for (long size = near; size <= near + NEAR && size < full; size += KIB) {
                sizes.add(size);
            }
        }
        sizes.add(1L);
        sizes.add(4095L);
        sizes.add(end - 1);
        sizes.add(full - 1);
        return sizes;
    }
}
