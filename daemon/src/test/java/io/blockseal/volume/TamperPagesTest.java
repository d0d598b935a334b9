package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.TableEntry;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.table.RangeWord;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Somebody puts pages of the table back, moves them, or takes them from another volume. */
@ExtendWith(TamperTable.class)
class TamperPagesTest {
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
    void copiedOverAnotherIndexLoseThatPageAlone() throws Exception {
        byte[] page0 = store.peek(TamperRig.PAGES_A, 4096);
        store.poke(TamperRig.PAGES_A + 4096, page0);
        store.poke(TamperRig.PAGES_B + 4096, page0);
        lostSecondPage();
    }

    @Test
    void ofAnotherVolumeLoseThatPageAlone() throws Exception {
        MemoryStore other = fixture.create(70);
        try (Volume volume = fixture.open(other)) {
            fixture.write(volume, 40 * 16, 9);
        }
        byte[] page1 = other.peek(TamperRig.PAGES_A + 4096, 4096);
        store.poke(TamperRig.PAGES_A + 4096, page1);
        store.poke(TamperRig.PAGES_B + 4096, page1);
        lostSecondPage();
    }

    @Test
    void inAnyOtherPlaceAreNotBelieved() throws Exception {
        MemoryStore other = fixture.create(70);
        try (Volume volume = fixture.open(other)) {
            fixture.write(volume, 0, 9);
            fixture.write(volume, 40 * 16, 9);
            fixture.write(volume, 69 * 16, 9);
        }
        assertEquals(Errno.OK, writeToTheLastPage());
        MemoryStore good = store.copy();
        try (TamperTally tally =
                new TamperTally("T4", "a page over another, or of another volume: its ranges EIO, the rest goes on")) {
            for (MemoryStore from : List.of(good, other)) {
                for (int source = 0; source < 3; source++) {
                    for (int target = 0; target < 3; target++) {
                        for (int copies = 1; copies <= 3 && (from == other || source != target); copies++) {
                            byte[] page = from.peek(TamperRig.PAGES_A + source * 4096L, 4096);
                            byte[] renamed = page.clone();
                            renamed[4] = (byte) target;
                            moved(tally, good, page, target, copies);
                            moved(tally, good, renamed, target, copies);
                        }
                    }
                }
            }
        }
    }

    private Errno writeToTheLastPage() throws Exception {
        try (Volume volume = fixture.open(store)) {
            return fixture.write(volume, 69 * 16, 4);
        }
    }

    /** Puts {@code page} over copy A (1), B (2) or both (3). One intact copy is enough, and heals the other. */
    private void moved(TamperTally tally, MemoryStore good, byte[] page, int target, int copies) {
        tally.state("over page " + target + ", copies " + copies, () -> {
            MemoryStore attacked = good.copy();
            for (int copy = 0; copy < 2; copy++) {
                if ((copies & 1 << copy) != 0) {
                    attacked.poke((copy == 0 ? TamperRig.PAGES_A : TamperRig.PAGES_B) + target * 4096L, page);
                }
            }
            String before = attacked.fingerprint();
            int lost = copies == 3 ? target : -1;
            try (Volume volume = fixture.open(attacked)) {
                assertEquals(lost == 0 ? -1 : 1, fixture.read(volume, 0));
                assertEquals(lost == 1 ? -1 : 3, fixture.read(volume, 40 * 16));
                assertEquals(lost == 2 ? -1 : 4, fixture.read(volume, 69 * 16));
            }
            assertEquals(copies == 3 ? before : good.fingerprint(), attacked.fingerprint());
        });
    }

    private void lostSecondPage() throws Exception {
        try (Volume volume = fixture.open(store)) {
            assertEquals(1, fixture.read(volume, 0));
            assertEquals(-1, fixture.read(volume, 40 * 16));
            assertEquals(Errno.EIO, VolumeFixture.allocate(volume, 40));
            assertEquals(Errno.OK, fixture.write(volume, 69 * 16, 4), "the rest goes on");
        }
        try (Volume volume = fixture.open(store)) {
            assertEquals(-1, fixture.read(volume, 40 * 16), "still lost, not quietly empty");
            assertEquals(4, fixture.read(volume, 69 * 16));
        }
    }

    @Test
    void areTakenFromTheOtherCopyAndHealed() throws Exception {
        String before = store.fingerprint();
        for (long copy : new long[] {TamperRig.PAGES_A, TamperRig.PAGES_B}) {
            store.poke(copy + 4096 + 700, new byte[] {1, 2, 3});
            try (Volume volume = fixture.open(store)) {
                assertEquals(3, fixture.read(volume, 40 * 16));
            }
            assertEquals(before, store.fingerprint());
        }
    }

    @Test
    void putBackFromAnOlderCopyAreRefused() throws Exception {
        MemoryStore old = fixture.create(70);
        MemoryStore attacked = old.copy();
        byte[] older;
        try (Volume volume = fixture.open(attacked)) {
            VolumeFixture.allocate(volume, 0);
            older = attacked.peek(TamperRig.PAGES_A, 4096);
        }
        // A second generation of page 0: all its ranges get another page image by way of the forger.
        try (Forger forger = new Forger(fixture.engine(), attacked, fixture.key(1))) {
            forger.forgePage(0, page -> {
                page.commitSeq(page.commitSeq() + 1);
                page.entry(3, none());
            });
            forger.forgeRoots(root -> root.commitSeq(root.commitSeq() + 1));
        }
        try (Volume volume = fixture.open(attacked)) {
            assertEquals(RangeWord.NONE, RangeWord.state(volume.word(3)));
        }
        attacked.poke(TamperRig.PAGES_A, older);
        attacked.flip(TamperRig.PAGES_B + 300);
        String before = attacked.fingerprint();
        assertEquals(
                Reason.ROLLBACK,
                rig.refused(VolumeRefusedException.class, attacked, OpenOptions.DEFAULT)
                        .reason());
        try (Volume volume = fixture.open(attacked, OpenOptions.DEFAULT.acceptingRollback())) {
            assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(3)));
            VolumeFixture.allocate(volume, 69);
        }
        assertTrue(!before.equals(attacked.fingerprint()));
        fixture.open(attacked).close();
        TamperTable.add(
                "T5", "pages put back or wiped under a newer root: refused, unless the operator accepts it", 1, 0);
    }

    @Test
    void wipedInBothCopiesAreRefused() {
        store.poke(TamperRig.PAGES_A + 4096, new byte[4096]);
        store.poke(TamperRig.PAGES_B + 4096, new byte[4096]);
        assertEquals(Reason.ROLLBACK, rig.refused(VolumeRefusedException.class).reason());
        TamperTable.add(
                "T5", "pages put back or wiped under a newer root: refused, unless the operator accepts it", 1, 0);
    }

    @Test
    void wipedAndAcceptedReadAsZerosAndNotAsNoise() throws Exception {
        store.poke(TamperRig.PAGES_A + 4096, new byte[4096]);
        store.poke(TamperRig.PAGES_B + 4096, new byte[4096]);
        try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.acceptingRollback())) {
            assertEquals(0, fixture.read(volume, 40 * 16));
            assertEquals(Errno.OK, fixture.write(volume, 40 * 16 + 1, 9));
            assertEquals(0, fixture.read(volume, 40 * 16), "written under the DEK that is gone");
        }
        try (Volume volume = fixture.open(store)) {
            assertEquals(Errno.OK, VolumeFixture.allocate(volume, 41));
            assertEquals(0, fixture.read(volume, 40 * 16));
            assertEquals(9, fixture.read(volume, 40 * 16 + 1));
        }
        TamperTable.add(
                "T5", "pages put back or wiped under a newer root: refused, unless the operator accepts it", 1, 0);
    }

    private static TableEntry none() {
        return new TableEntry(TableEntry.NONE, 0, 0, 0, 0, 0, 0, new byte[92]);
    }
}
