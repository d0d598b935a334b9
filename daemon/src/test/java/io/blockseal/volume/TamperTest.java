package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Somebody writes to the store. What is refused leaves it byte for byte as it was. */
class TamperTest {
    private static final long PAGES_A = 2 << 20;
    private static final long PAGES_B = 33 << 20;

    private final VolumeFixture fixture = new VolumeFixture();
    private MemoryStore store = new MemoryStore("none", 0);

    @BeforeEach
    void createAndWrite() throws Exception {
        store = fixture.create(70);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 1);
            fixture.write(volume, 16, 2);
            fixture.write(volume, 40 * 16, 3);
        }
    }

    private <T extends Exception> T refused(Class<T> type) {
        return refused(type, store);
    }

    private <T extends Exception> T refused(Class<T> type, MemoryStore attacked) {
        String before = attacked.fingerprint();
        T refusal = assertThrows(type, () -> fixture.open(attacked).close());
        assertEquals(before, attacked.fingerprint(), "a refusal changes nothing");
        return refusal;
    }

    private Forger forger() throws Exception {
        return new Forger(fixture.engine(), store, fixture.key(1));
    }

    @Nested
    class Roots {
        @Test
        void areRefusedWhicheverBitIsFlippedInBoth() throws Exception {
            byte[] good = store.peek(0, 4096);
            long seed = 20_261_124;
            Random random = new Random(seed);
            int used = 0x330 * 8;
            for (int i = 0; i < 900; i++) {
                // Mostly where something is stored, and now and then in the reserved part, MAC and CRC.
                int bit = i % 9 == 0 ? random.nextInt(4096 * 8) : random.nextInt(used);
                byte[] bad = Forger.flipped(good, bit);
                MemoryStore attacked = store.copy();
                attacked.poke(0, bad);
                attacked.poke(1 << 20, bad);
                if (bit >= 4092 * 8) {
                    // The CRC itself was flipped and then put right: nothing happened.
                    assertArrayEquals(good, bad);
                } else {
                    assertTrue(refused(Exception.class, attacked) != null, "bit " + bit + ", seed " + seed);
                }
            }
        }

        @Test
        void areTakenFromTheOtherCopyWhicheverBitIsFlippedInOne() throws Exception {
            byte[] good = store.peek(0, 4096);
            for (int bit = 0; bit < 0x330 * 8; bit += 61) {
                boolean feature = bit / 8 >= 0x28 && bit / 8 < 0x38;
                if (!feature) {
                    MemoryStore attacked = store.copy();
                    attacked.poke(0, Forger.flipped(good, bit));
                    try (Volume volume = fixture.open(attacked)) {
                        assertEquals(1, fixture.read(volume, 0), "bit " + bit);
                        assertEquals(70, volume.shape().rangeCount());
                    }
                    assertEquals(store.fingerprint(), attacked.fingerprint(), "healed, bit " + bit);
                }
            }
        }

        @Test
        void thatNameAnotherSuiteOrShapeAreRefusedByTheirMac() throws Exception {
            try (Forger forger = forger()) {
                byte[] before = store.peek(0, 4096);
                forger.changeRoots(root -> root.shifts(17, 12));
                assertEquals("mac", refused(MalformedVolumeException.class).field());
                store.poke(0, before);
                store.poke(1 << 20, before);
                forger.changeRoots(root -> root.dataOffsetBytes(128 << 20));
                assertEquals("mac", refused(MalformedVolumeException.class).field());
                store.poke(0, before);
                store.poke(1 << 20, before);
                for (int suite : new int[] {0, 2}) {
                    byte[] image = before.clone();
                    ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN).putShort(0x4a, (short) suite);
                    store.poke(0, Forger.withCrc(image));
                    store.poke(1 << 20, Forger.withCrc(image));
                    assertEquals("mac", refused(MalformedVolumeException.class).field());
                    store.poke(0, before);
                    store.poke(1 << 20, before);
                }
            }
        }

        @Test
        void withUnknownFeaturesAreRefusedOrReadOnly() throws Exception {
            try (Forger forger = forger()) {
                forger.forgeRoots(root -> root.features(1L << 40, 0, 0));
                assertEquals(
                        Reason.UNKNOWN_FEATURE,
                        refused(VolumeRefusedException.class).reason());
                forger.forgeRoots(root -> root.features(0, 2, 0));
                try (Volume volume = fixture.open(store)) {
                    assertTrue(volume.shape().readOnly());
                    assertEquals(1, fixture.read(volume, 0));
                    assertEquals(Errno.EPERM, VolumeFixture.allocate(volume, 69));
                }
            }
        }
    }

    @Nested
    class KeySlotAreas {
        @Test
        void ofAnotherVolumeUnderTheSameKekAreRefused() throws Exception {
            MemoryStore other = fixture.create(70);
            byte[] area = other.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES);
            for (int i = 0; i < 2; i++) {
                store.poke(MetadataLayout.keySlotAreaOffset(i), area);
            }
            assertEquals(
                    "key slot hash", refused(MalformedVolumeException.class).field());
            try (Forger forger = new Forger(fixture.engine(), other, fixture.key(1))) {
                byte[] hash = KeySlotArea.decode(area).sha256();
                RootBlock root =
                        RootBlock.decode(store.peek(0, 4096), "root").copy().keySlots(0, hash);
                root.seal(root.mac());
                store.poke(0, root.image());
                store.poke(1 << 20, root.image());
                assertEquals("mac", refused(MalformedVolumeException.class).field());
            }
        }

        @Test
        void thatAForgedNewerRootBringsAlongDoNotShutTheOwnerOut() throws Exception {
            String before = store.fingerprint();
            byte[] junk = fixture.create(70).peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES);
            KeySlotArea area = KeySlotArea.decode(junk).without(0);
            store.poke(MetadataLayout.keySlotAreaOffset(0), area.image());
            RootBlock root = RootBlock.decode(store.peek(0, 4096), "root").copy();
            root.commitSeq(root.commitSeq() + 100).keySlots(0, area.sha256()).seal(root.mac());
            store.poke(0, root.image());
            try (Volume volume = fixture.open(store)) {
                assertEquals(1, fixture.read(volume, 0));
            }
            assertEquals(before, store.fingerprint(), "healed");
        }

        @Test
        void openFromTheOtherAreaWhenOneIsDamaged() throws Exception {
            String before = store.fingerprint();
            for (int i = 0; i < 2; i++) {
                store.poke(MetadataLayout.keySlotAreaOffset(i) + 5000, (byte) 1);
                try (Volume volume = fixture.open(store)) {
                    assertEquals(1, fixture.read(volume, 0));
                }
                assertEquals(before, store.fingerprint(), "healed");
            }
        }
    }

    @Nested
    class TablePages {
        @Test
        void copiedOverAnotherIndexLoseThatPageAlone() throws Exception {
            byte[] page0 = store.peek(PAGES_A, 4096);
            store.poke(PAGES_A + 4096, page0);
            store.poke(PAGES_B + 4096, page0);
            lostSecondPage();
        }

        @Test
        void ofAnotherVolumeLoseThatPageAlone() throws Exception {
            MemoryStore other = fixture.create(70);
            try (Volume volume = fixture.open(other)) {
                fixture.write(volume, 40 * 16, 9);
            }
            byte[] page1 = other.peek(PAGES_A + 4096, 4096);
            store.poke(PAGES_A + 4096, page1);
            store.poke(PAGES_B + 4096, page1);
            lostSecondPage();
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
            for (long copy : new long[] {PAGES_A, PAGES_B}) {
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
                older = attacked.peek(PAGES_A, 4096);
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
            attacked.poke(PAGES_A, older);
            attacked.poke(PAGES_B + 300, (byte) 0x55);
            String before = attacked.fingerprint();
            assertEquals(
                    Reason.ROLLBACK,
                    refused(VolumeRefusedException.class, attacked).reason());
            try (Volume volume = fixture.open(attacked, OpenOptions.DEFAULT.acceptingRollback())) {
                assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(3)));
                VolumeFixture.allocate(volume, 69);
            }
            assertTrue(!before.equals(attacked.fingerprint()));
            fixture.open(attacked).close();
        }

        @Test
        void wipedInBothCopiesAreRefused() {
            store.poke(PAGES_A + 4096, new byte[4096]);
            store.poke(PAGES_B + 4096, new byte[4096]);
            assertEquals(Reason.ROLLBACK, refused(VolumeRefusedException.class).reason());
        }

        @Test
        void wipedAndAcceptedReadAsZerosAndNotAsNoise() throws Exception {
            store.poke(PAGES_A + 4096, new byte[4096]);
            store.poke(PAGES_B + 4096, new byte[4096]);
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
        }
    }

    @Nested
    class EntriesUnderALeakedMacKey {
        @Test
        void thatWereSwappedGiveNoKey() throws Exception {
            try (Forger forger = forger()) {
                forger.forgePage(0, page -> {
                    TableEntry first = page.entry(0);
                    page.entry(0, page.entry(1));
                    page.entry(1, first);
                });
            }
            try (Volume volume = fixture.open(store)) {
                assertEquals(-1, fixture.read(volume, 0));
                assertEquals(-1, fixture.read(volume, 16));
                assertEquals(3, fixture.read(volume, 40 * 16));
            }
        }

        @Test
        void withAnotherGenerationGiveNoKey() throws Exception {
            try (Forger forger = forger()) {
                forger.forgePage(
                        0,
                        page -> page.entry(
                                0, changed(page.entry(0), 0, page.entry(0).slot())));
            }
            try (Volume volume = fixture.open(store)) {
                assertEquals(-1, fixture.read(volume, 0));
                assertEquals(2, fixture.read(volume, 16));
            }
        }

        @Test
        void thatNameOneSlotTwiceAreRefused() throws Exception {
            try (Forger forger = forger()) {
                forger.forgePage(0, page -> page.entry(0, changed(page.entry(0), 1, 1)));
            }
            assertEquals(
                    Reason.SLOT_CONFLICT, refused(VolumeRefusedException.class).reason());
            try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.forReading())) {
                assertEquals(3, fixture.read(volume, 40 * 16));
            }
        }

        @Test
        void thatNameASlotBeyondTheEndAreRefused() throws Exception {
            try (Forger forger = forger()) {
                forger.forgePage(0, page -> page.entry(0, changed(page.entry(0), 1, 72)));
            }
            assertEquals(
                    Reason.SLOT_CONFLICT, refused(VolumeRefusedException.class).reason());
        }

        @Test
        void thatNameASlotInAMetadataExtentAreRefused() throws Exception {
            try (Forger forger = forger()) {
                // 64 MiB are 1024 slots of 64 KiB: the extent takes slots 72 to 1095.
                store.grow((64L << 20) + 1100 * VolumeFixture.RANGE);
                forger.forgeRoots(root -> root.slots(1100, 2).addExtent((64L << 20) + 72 * VolumeFixture.RANGE));
                fixture.open(store).close();
                forger.forgePage(0, page -> page.entry(0, changed(page.entry(0), 1, 100)));
            }
            assertEquals(
                    Reason.SLOT_CONFLICT, refused(VolumeRefusedException.class).reason());
        }

        @Test
        void withAnUnknownSuiteAreRefused() throws Exception {
            try (Forger forger = forger()) {
                forger.forgePage(0, page -> {
                    TableEntry e = page.entry(0);
                    page.entry(
                            0,
                            new TableEntry(
                                    e.state(),
                                    0,
                                    e.generation(),
                                    e.slot(),
                                    e.createdSeconds(),
                                    e.lastCommit(),
                                    0,
                                    e.wrappedDek()));
                });
            }
            assertEquals(
                    Reason.SLOT_CONFLICT, refused(VolumeRefusedException.class).reason());
        }
    }

    @Nested
    class ABadSector {
        @Test
        void losesNothingWhereverItIsInTheMetadata() throws Exception {
            String before = store.fingerprint();
            for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                long root = MetadataLayout.rootOffset(copy);
                long area = MetadataLayout.keySlotAreaOffset(copy);
                long pages = copy == 0 ? PAGES_A : PAGES_B;
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
            store.spoil(PAGES_A + 4096);
            store.spoil(PAGES_B + 4096);
            refused(StoreException.class);
        }

        @Test
        void inBothRootsIsAnErrorOfTheStore() {
            store.spoil(0);
            store.spoil(1 << 20);
            refused(StoreException.class);
        }

        @Test
        void isReportedByTheChecker() throws Exception {
            store.spoil(1 << 20);
            store.spoil(PAGES_A);
            CheckReport report =
                    VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), List.of(fixture.key(1)));
            assertEquals(
                    List.of("root B", "table page 0 copy A"),
                    report.findings().stream().map(CheckReport.Finding::block).toList());
            assertTrue(!report.damaged());
        }
    }

    @Nested
    class ATruncatedStore {
        @Test
        void isRefusedWhereverItEnds() {
            long full = store.sizeBytes();
            for (long size : new long[] {0, 1, 4095, 4096, 1 << 20, (64 << 20) - 1, 64 << 20, full - 1}) {
                MemoryStore cut = store.copy();
                cut.truncate(size);
                assertEquals(
                        "size", refused(MalformedVolumeException.class, cut).field());
            }
        }
    }

    @Nested
    class AForgedVolume {
        @Test
        void isRefusedByItsIdentity() throws Exception {
            // Everything in it is right, since whoever made it knows the KEK; but it is not the volume that was here.
            String identity;
            try (Volume volume = fixture.open(store)) {
                identity = volume.identity();
            }
            MemoryStore forged = fixture.create(70);
            String before = forged.fingerprint();
            VolumeRefusedException e = assertThrows(
                    VolumeRefusedException.class, () -> fixture.open(forged, OpenOptions.DEFAULT.expecting(identity)));
            assertEquals(Reason.IDENTITY, e.reason());
            assertEquals(before, forged.fingerprint());
        }
    }

    @Nested
    class TheChecker {
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
            try (Forger forger = forger()) {
                forger.forgePage(
                        0,
                        page -> page.entry(
                                0, changed(page.entry(0), 0, page.entry(0).slot())));
            }
            store.poke((1 << 20) + 99, (byte) 1);
            store.poke(PAGES_B + 4096 + 500, (byte) 1);
            store.poke(MetadataLayout.keySlotAreaOffset(1) + 99, (byte) 1);
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

    private static TableEntry none() {
        return new TableEntry(TableEntry.NONE, 0, 0, 0, 0, 0, 0, new byte[92]);
    }

    private static TableEntry changed(TableEntry e, int generation, long slot) {
        return new TableEntry(
                e.state(),
                e.suite(),
                generation,
                slot,
                e.createdSeconds(),
                e.lastCommit(),
                e.encryptedBytes(),
                e.wrappedDek());
    }
}
