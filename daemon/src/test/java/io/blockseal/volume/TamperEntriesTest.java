package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.blockseal.format.MetadataLayout;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VolumeRefusedException.Reason;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Somebody who has the keys of all MACs changes entries of the table: only their wrapping can tell. */
@ExtendWith(TamperTable.class)
class TamperEntriesTest {
    private TamperRig rig;
    private VolumeFixture fixture;
    private MemoryStore store;
    private MemoryStore good;

    @BeforeEach
    void create() throws Exception {
        rig = new TamperRig();
        fixture = rig.fixture;
        store = rig.store;
        good = store.copy();
    }

    /** Puts the roots and the first page back. */
    private void restore() {
        for (long block : new long[] {0, TamperRig.ROOT_B, TamperRig.PAGES_A, TamperRig.PAGES_B}) {
            store.poke(block, good.peek(block, MetadataLayout.BLOCK_BYTES));
        }
    }

    private void forged(TamperTally tally, String which, Consumer<TablePage> change, TamperTally.State then) {
        tally.state(which, () -> {
            try (Forger forger = rig.forger()) {
                forger.forgePage(0, change);
            }
            then.look();
        });
        restore();
    }

    /** Whether the range's key can be had; what lies on its slot does not matter. */
    private static boolean hasKey(Volume volume, long range) {
        try (DekCache cache = volume.openCache()) {
            return cache.keyFor(range, volume.word(range)) != 0;
        }
    }

    @Test
    void thatWereSwappedGiveNoKey() throws Exception {
        try (TamperTally tally =
                new TamperTally("T3", "two entries swapped, MACs right: EIO for these two, no other")) {
            for (int i = 0; i < TablePage.ENTRIES; i++) {
                for (int j = i + 1; j < TablePage.ENTRIES; j++) {
                    int one = i;
                    int two = j;
                    forged(tally, i + " and " + j, page -> swap(page, one, two), () -> {
                        try (Volume volume = fixture.open(store)) {
                            for (int range = 0; range < TablePage.ENTRIES; range++) {
                                assertEquals(range != one && range != two, hasKey(volume, range), "range " + range);
                            }
                            assertEquals(one == 0 ? -1 : 1, fixture.read(volume, 0));
                            assertEquals(3, fixture.read(volume, 40 * 16));
                        }
                    });
                }
            }
        }
    }

    private static void swap(TablePage page, int one, int two) {
        TableEntry first = page.entry(one);
        page.entry(one, page.entry(two));
        page.entry(two, first);
    }

    @Test
    void withAnotherGenerationGiveNoKey() throws Exception {
        try (TamperTally tally =
                new TamperTally("T10", "generation of an entry changed, MACs right: EIO for that range")) {
            for (int i = 0; i < TablePage.ENTRIES; i++) {
                for (int generation : new int[] {0, 2, -1, Integer.MIN_VALUE}) {
                    int range = i;
                    forged(
                            tally,
                            "range " + i + ", generation " + generation,
                            page -> page.entry(
                                    range,
                                    Forger.changed(
                                            page.entry(range),
                                            generation,
                                            page.entry(range).slot())),
                            () -> {
                                try (Volume volume = fixture.open(store)) {
                                    assertEquals(false, hasKey(volume, range));
                                    assertEquals(true, hasKey(volume, (range + 1) % TablePage.ENTRIES));
                                }
                            });
                }
            }
        }
    }

    private void conflict() {
        VolumeRefusedException e = assertInstanceOf(VolumeRefusedException.class, rig.refusedQuickly());
        assertEquals(Reason.SLOT_CONFLICT, e.reason());
    }

    @Test
    void thatNameOneSlotTwiceAreRefused() throws Exception {
        try (TamperTally tally =
                new TamperTally("T11", "an entry names another one's slot, MACs right: refused, readable without it")) {
            for (int i = 0; i < TablePage.ENTRIES; i++) {
                for (int j = 0; j < TablePage.ENTRIES; j++) {
                    int range = i;
                    int slot = j;
                    if (i != j) {
                        forged(
                                tally,
                                "range " + i + ", slot " + j,
                                page -> page.entry(range, Forger.changed(page.entry(range), 1, slot)),
                                () -> {
                                    conflict();
                                    try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.forReading())) {
                                        assertEquals(3, fixture.read(volume, 40 * 16));
                                    }
                                });
                    }
                }
            }
        }
    }

    @Test
    void thatNameASlotOutsideTheDataAreaAreRefused() throws Exception {
        try (TamperTally tally = new TamperTally(
                "T12", "an entry names a slot beyond the end or in a metadata extent, MACs right: refused")) {
            for (long slot : List.of(72L, 73L, 1L << 20, (1L << 28) - 1, 1L << 28, 0x7fff_ffffL, 0xffff_ffffL)) {
                forged(
                        tally,
                        "slot " + slot,
                        page -> page.entry(0, Forger.changed(page.entry(0), 1, slot)),
                        this::conflict);
            }
            try (Forger forger = rig.forger()) {
                // 64 MiB are 1024 slots of 64 KiB: the extent takes slots 72 to 1095.
                store.grow((64L << 20) + 1100 * VolumeFixture.RANGE);
                forger.forgeRoots(root -> root.slots(1100, 2).addExtent((64L << 20) + 72 * VolumeFixture.RANGE));
                fixture.open(store).close();
            }
            good = store.copy();
            for (long slot = 72; slot < 1096; slot++) {
                long taken = slot;
                forged(
                        tally,
                        "slot " + slot + " in an extent",
                        page -> page.entry(0, Forger.changed(page.entry(0), 1, taken)),
                        this::conflict);
            }
        }
    }

    @Test
    void withAnUnknownSuiteOrStateAreRefused() throws Exception {
        try (TamperTally tally =
                new TamperTally("T2e", "every other suite and state of an entry, MACs right: refused")) {
            for (int i = 0; i < 256; i++) {
                int code = i;
                if (code != 1) {
                    forged(tally, "suite " + i, page -> page.entry(0, coded(page.entry(0), 1, code)), this::conflict);
                }
                if (code > TableEntry.LOST) {
                    forged(tally, "state " + i, page -> page.entry(0, coded(page.entry(0), code, 1)), this::conflict);
                }
            }
        }
    }

    private static TableEntry coded(TableEntry e, int state, int suite) {
        return new TableEntry(
                state,
                suite,
                e.generation(),
                e.slot(),
                e.createdSeconds(),
                e.lastCommit(),
                e.encryptedBytes(),
                e.wrappedDek());
    }
}
