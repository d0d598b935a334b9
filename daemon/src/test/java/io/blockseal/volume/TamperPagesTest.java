package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.TableEntry;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VolumeRefusedException.Reason;
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
        TamperTable.add(
                "T4", "a page over another, or of another volume: that page's ranges EIO, the rest goes on", 1, 0);
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
        TamperTable.add(
                "T4", "a page over another, or of another volume: that page's ranges EIO, the rest goes on", 1, 0);
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
        attacked.poke(TamperRig.PAGES_B + 300, (byte) 0x55);
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
