package io.blockseal.volume.header;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.BackupLayout;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.MemoryStore.Operation;
import io.blockseal.store.MemoryStore.Unflushed;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Forger;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.VolumeResizer;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.host.RollbackAnchor;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A restore shows exactly what it loses, does all of it or nothing, and never shows noise. */
class HeaderRestoreTest {
    private static final long SEED = 20_261_125;
    private static final long UNITS = VolumeFixture.RANGE / VolumeFixture.UNIT;
    private static final InstantSource CLOCK = () -> Instant.ofEpochSecond(1_700_000_300);

    private final VolumeFixture fixture = new VolumeFixture();
    private MemoryStore store = new MemoryStore("unset", 0);
    private HeaderBackup backup = unset();

    @TempDir
    private Path directory;

    @SuppressWarnings("NullAway") // Set before each test.
    private static HeaderBackup unset() {
        return null;
    }

    /** 100 ranges on 4 pages; at the backup those of page 0 are in use, later those of page 1 too. */
    @BeforeEach
    void backUpAndGoOn() throws Exception {
        store = fixture.create(100);
        write(store, 0, 1);
        write(store, 5, 2);
        backup = snapshot(store);
        write(store, 5, 3);
        write(store, 40, 4);
        store.startRecording();
    }

    private void write(MemoryStore to, long range, int fill) throws Exception {
        try (Volume volume = fixture.open(to)) {
            assertEquals(Errno.OK, fixture.write(volume, range * UNITS, fill));
        }
    }

    private int read(MemoryStore from, long range) throws Exception {
        try (Volume volume = fixture.open(from.copy())) {
            return fixture.read(volume, range * UNITS);
        }
    }

    private HeaderBackup snapshot(MemoryStore of) throws Exception {
        return HeaderSnapshot.take(VolumeStores.inBand(of), 1_700_000_250, CheckProgress.SILENT);
    }

    private HeaderRestore plan(VolumeStores stores, HeaderBackup from, KeySource key) throws Exception {
        RestoreRequest request = new RestoreRequest("vol.header", List.of(key), -1, false, false, false);
        return HeaderRestore.plan(fixture.engine(), stores, from, request, HostMemory.none(), CheckProgress.SILENT);
    }

    private RestorePreview preview(MemoryStore of) throws Exception {
        String before = of.fingerprint();
        try (HeaderRestore restore = plan(VolumeStores.inBand(of), backup, fixture.key(1))) {
            assertEquals(before, of.fingerprint(), "a preview changes nothing");
            return restore.preview();
        }
    }

    private RestorePreview restore(MemoryStore into) throws Exception {
        return restore(into, backup);
    }

    private RestorePreview restore(MemoryStore into, HeaderBackup from) throws Exception {
        try (HeaderRestore restore = plan(VolumeStores.inBand(into), from, fixture.key(1))) {
            restore.apply(Long.MAX_VALUE, CLOCK);
            return restore.preview();
        }
    }

    private void assertSound(MemoryStore volume) throws Exception {
        assertEquals(
                List.of(),
                VolumeChecker.check(fixture.engine(), VolumeStores.inBand(volume), List.of(fixture.key(1)))
                        .findings());
    }

    private static void destroyHead(MemoryStore volume) {
        volume.poke(0, new byte[3 << 20]);
    }

    private <T extends Exception> T refused(Class<T> type, HeaderBackup from, KeySource key) {
        String before = store.fingerprint();
        T refusal = assertThrows(
                type, () -> plan(VolumeStores.inBand(store), from, key).close());
        assertEquals(before, store.fingerprint(), "a refusal changes nothing");
        return refusal;
    }

    @Nested
    class ThePreview {
        @Test
        void countsTheRangesThatGotTheirKeysSinceTheBackup() throws Exception {
            RestorePreview preview = preview(store);
            assertEquals("31-61", preview.lost().toString());
            assertEquals("31-61", preview.emptied().toString());
            assertEquals(31, preview.lossCount());
            assertEquals(0, preview.unknown().count());
            assertEquals(0, preview.returning().count());
            assertEquals(backup.commitSeq() + 1, preview.volumeCommit());
            assertEquals(List.of(), preview.damage());
        }

        @Test
        void countsNothingRightAfterTheBackup() throws Exception {
            MemoryStore fresh = fixture.create(100);
            write(fresh, 3, 3);
            backup = snapshot(fresh);
            assertEquals(0, preview(fresh).lossCount());
        }

        @Test
        void saysWhatItCannotCompareWhenTheRootsAreGone() throws Exception {
            destroyHead(store);
            RestorePreview preview = preview(store);
            assertEquals("31-61", preview.lost().toString(), "copy B of the pages is still there");
            assertEquals("62-99", preview.unknown().toString(), "zeros may be what destroyed them");
            assertEquals(69, preview.lossCount());
            assertEquals(0, preview.volumeCommit());
            assertEquals(2, preview.damage().size());
        }

        @Test
        void countsEveryRangeWhenNothingIsLeft() throws Exception {
            store.poke(0, new byte[64 << 20]);
            assertEquals("0-99", preview(store).unknown().toString());
            assertEquals(100, preview(store).lossCount());
        }

        @Test
        void countsARangeOfAnotherGenerationAndOneInAnotherSlot() throws Exception {
            try (Forger forger = new Forger(fixture.engine(), store, fixture.key(1))) {
                forger.rekey(3, 2, 3);
                forger.rekey(7, 2, 101);
            }
            RestorePreview preview = preview(store);
            assertEquals("3, 7, 31-61", preview.lost().toString());
            assertEquals("3, 31-61", preview.emptied().toString(), "in slot 7 there still is what was there then");
        }

        @Test
        void showsWhatComesBackAliveAndWhatVanishes() throws Exception {
            try (Forger forger = new Forger(fixture.engine(), store, fixture.key(1))) {
                forger.forgePage(0, page -> page.entry(4, shredded(1)));
                forger.forgePage(0, page -> page.entry(6, shredded(2)));
            }
            RestorePreview preview = preview(store);
            assertEquals("4, 6", preview.returning().toString());
            assertEquals("6, 31-61", preview.lost().toString(), "the generation of range 6 would go backwards");
        }

        @Test
        void showsWhichKeysOpenTheVolumeAgainAndWhichNoLonger() throws Exception {
            try (Volume volume = fixture.open(store)) {
                volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "new");
            }
            RestorePreview preview = preview(store);
            assertEquals(
                    List.of(1),
                    preview.leavingSlots().stream().map(KeySlotInfo::index).toList());
            assertEquals(
                    List.of(0),
                    preview.keptSlots().stream().map(KeySlotInfo::index).toList());
            backup = snapshot(store);
            try (Volume volume = fixture.open(store)) {
                volume.keySlots().remove(1, false);
            }
            preview = preview(store);
            assertEquals("new", preview.returningSlots().get(0).label());
            assertEquals(List.of(), preview.leavingSlots());
            restore(store);
            try (Volume volume =
                    fixture.opener().open(VolumeStores.inBand(store), List.of(fixture.key(2)), OpenOptions.DEFAULT)) {
                assertEquals(2, volume.keySlots().list().size());
            }
        }
    }

    @Nested
    class TheRestoredVolume {
        @Test
        void isAsAtTheBackupAndItsNewerRangesReadAsZeros() throws Exception {
            restore(store);
            assertSound(store);
            assertEquals(1, read(store, 0));
            assertEquals(3, read(store, 5), "data written since under the same key is still there");
            assertEquals(0, read(store, 40));
        }

        @Test
        void givesNoNoiseWhenARangeGetsItsKeyAnew() throws Exception {
            restore(store);
            try (Volume volume = fixture.open(store)) {
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, 40));
                assertEquals(0, fixture.read(volume, 40 * UNITS), "what was written before must not shine through");
                assertEquals(2, RangeWord.generation(volume.word(40)), "no generation is given twice");
            }
        }

        @Test
        void givesNoNoiseWhereTheDataWasOverwrittenUnderAnotherKey() throws Exception {
            try (Forger forger = new Forger(fixture.engine(), store, fixture.key(1))) {
                forger.rekey(5, 2, 5);
            }
            write(store, 5, 9);
            restore(store);
            assertSound(store);
            assertEquals(0, read(store, 5));
            assertEquals(1, read(store, 0));
        }

        @Test
        void opensWhateverWasLeftOfIt() throws Exception {
            for (int bytes : new int[] {4096, 1 << 20, 3 << 20, 40 << 20, 64 << 20}) {
                for (boolean noise : new boolean[] {false, true}) {
                    MemoryStore broken = store.copy();
                    byte[] rubbish = new byte[bytes];
                    if (noise) {
                        new Random(SEED).nextBytes(rubbish);
                    }
                    broken.poke(0, rubbish);
                    restore(broken);
                    assertSound(broken);
                    assertEquals(1, read(broken, 0), bytes + " bytes destroyed");
                    assertEquals(0, read(broken, 40), bytes + " bytes destroyed");
                }
            }
        }

        @Test
        void opensThoughNothingOfItsMetadataCouldBeRead() throws Exception {
            for (int copy = 0; copy < 2; copy++) {
                store.spoil(MetadataLayout.rootOffset(copy));
                store.spoil((2 + 31L * copy << 20) + 4096);
            }
            restore(store);
            assertSound(store);
            assertEquals(1, read(store, 0));
        }

        @Test
        void isNewerThanEverythingAnybodyHasSeen() throws Exception {
            HostMemory memory = HostMemory.in(directory.resolve("state"));
            try (Volume volume = fixture.open(store)) {
                memory.anchors().remember("vol", volume.root().copy().commitSeq(1000));
            }
            RestoreRequest request = new RestoreRequest("vol.header", List.of(fixture.key(1)), -1, false, false, false);
            try (HeaderRestore restore = HeaderRestore.plan(
                    fixture.engine(), VolumeStores.inBand(store), backup, request, memory, CheckProgress.SILENT)) {
                restore.apply(31, CLOCK);
            }
            try (Volume volume = fixture.open(store)) {
                assertEquals(1001, volume.commitSeq());
            }
            RollbackAnchor anchor = memory.anchors().recall(backup.uuid());
            assertEquals(1001, anchor == null ? 0 : anchor.commitSeq());
        }

        @Test
        void losesNothingMoreWhenTheBackupOfItIsRestored() throws Exception {
            restore(store);
            backup = snapshot(store);
            assertEquals(0, preview(store).lossCount());
        }
    }

    @Nested
    class WithoutConsent {
        @Test
        void nothingIsChanged() throws Exception {
            String before = store.fingerprint();
            for (long accepted : new long[] {0, 30}) {
                try (HeaderRestore restore = plan(VolumeStores.inBand(store), backup, fixture.key(1))) {
                    VolumeRefusedException e =
                            assertThrows(VolumeRefusedException.class, () -> restore.apply(accepted, CLOCK));
                    assertEquals(Reason.DATA_LOSS, e.reason());
                    assertTrue(String.valueOf(e.getMessage()).contains("--accept-loss=31"), e.getMessage());
                }
            }
            assertEquals(before, store.fingerprint());
            try (HeaderRestore restore = plan(VolumeStores.inBand(store), backup, fixture.key(1))) {
                restore.apply(31, CLOCK);
            }
            assertFalse(before.equals(store.fingerprint()));
        }
    }

    @Nested
    class IsRefusedFor {
        @Test
        void aKeyThatDidNotOpenTheVolumeThen() {
            refused(WrongKeyException.class, backup, fixture.key(9));
        }

        @Test
        void anotherVolume() throws Exception {
            MemoryStore mine = store;
            store = fixture.create(100);
            VolumeRefusedException e = refused(VolumeRefusedException.class, backup, fixture.key(1));
            assertEquals(Reason.IDENTITY, e.reason());
            store = mine;
        }

        @Test
        void aStoreThatHoldsSomethingElseUnlessForced() throws Exception {
            MemoryStore other = new MemoryStore("fs", store.sizeBytes());
            other.poke(0x438, (byte) 'S', (byte) 0xef);
            store = other;
            assertEquals(
                    Reason.NOT_EMPTY,
                    refused(VolumeRefusedException.class, backup, fixture.key(1))
                            .reason());
            RestoreRequest forced = new RestoreRequest("b", List.of(fixture.key(1)), -1, true, false, false);
            try (HeaderRestore restore = HeaderRestore.plan(
                    fixture.engine(),
                    VolumeStores.inBand(store),
                    backup,
                    forced,
                    HostMemory.none(),
                    CheckProgress.SILENT)) {
                assertEquals(100, restore.preview().lossCount());
            }
        }

        @Test
        void aStoreThatIsTooSmall() {
            store.truncate(store.sizeBytes() - 1);
            assertEquals(
                    "size",
                    refused(MalformedVolumeException.class, backup, fixture.key(1))
                            .field());
        }

        @Test
        void aBackupThatSomebodyAlteredWhateverTheyAltered() throws Exception {
            Path file = directory.resolve("vol.header");
            BackupFile.write(file, backup, false);
            byte[] good = Files.readAllBytes(file);
            Random random = new Random(SEED);
            for (int i = 0; i < 600; i++) {
                int at = random.nextInt(good.length - 32);
                boolean created = at >= 0x28 && at < 0x30;
                byte[] bad = good.clone();
                bad[at] ^= (byte) (1 << random.nextInt(8));
                if (at >= BackupLayout.ROOT && at < BackupLayout.ROOT + 4092) {
                    byte[] root = Arrays.copyOfRange(bad, BackupLayout.ROOT, BackupLayout.ROOT + 4096);
                    System.arraycopy(Forger.withCrc(root), 0, bad, BackupLayout.ROOT, 4096);
                }
                Files.write(file, HeaderBackupTest.withChecksum(bad));
                String before = store.fingerprint();
                boolean underNoMac = at >= BackupLayout.ROOT + 0xfe0 && at < BackupLayout.KEY_SLOTS;
                if (!created && !underNoMac) {
                    assertThrows(
                            Exception.class,
                            () -> plan(VolumeStores.inBand(store), BackupFile.read(file), fixture.key(1))
                                    .close(),
                            "byte " + at + ", seed " + SEED);
                }
                assertEquals(before, store.fingerprint());
            }
        }

        @Test
        void pagesOfAnOlderBackupUnderANewerRoot() throws Exception {
            HeaderBackup newer = snapshot(store);
            Path old = directory.resolve("old");
            Path now = directory.resolve("now");
            BackupFile.write(old, backup, false);
            BackupFile.write(now, newer, false);
            byte[] mixed = Files.readAllBytes(now);
            Arrays.fill(mixed, 0x0c, 0x10, (byte) 0);
            mixed[0x0c] = 1;
            byte[] shorter = Arrays.copyOf(mixed, Math.toIntExact(BackupLayout.fileBytes(1)));
            Files.write(now, HeaderBackupTest.withChecksum(shorter));
            MalformedVolumeException e = refused(MalformedVolumeException.class, BackupFile.read(now), fixture.key(1));
            assertEquals("table_root", e.field());
        }
    }

    @Nested
    class OfAVolumeThatChangedItsSize {
        @Test
        void bringsTheSmallerSizeBackAndCountsWhatLayBeyond() throws Exception {
            try (Volume volume = fixture.open(store)) {
                VolumeResizer.grow(volume, 200 * VolumeFixture.RANGE);
            }
            write(store, 150, 6);
            RestorePreview preview = preview(store);
            assertEquals(200 * VolumeFixture.RANGE, preview.sizeBytesBefore());
            assertEquals(100 * VolumeFixture.RANGE, preview.sizeBytes());
            assertEquals("31-61, 124-154", preview.lost().toString());
            restore(store);
            assertSound(store);
            assertEquals(1, read(store, 0));
            try (Volume volume = fixture.open(store)) {
                assertEquals(100, volume.shape().rangeCount());
                VolumeResizer.grow(volume, 200 * VolumeFixture.RANGE);
            }
            assertSound(store);
            assertEquals(0, read(store, 150), "what lay beyond the end must not come back as noise");
            write(store, 150, 8);
            assertEquals(8, read(store, 150));
        }

        @Test
        void bringsTheLargerSizeBackIfTheStoreHasRoom() throws Exception {
            MemoryStore small = store.copy();
            try (Volume volume = fixture.open(store)) {
                VolumeResizer.grow(volume, 200 * VolumeFixture.RANGE);
            }
            write(store, 150, 6);
            backup = snapshot(store);
            MemoryStore truncated = small.copy();
            MemoryStore mine = store;
            store = truncated;
            assertEquals(
                    "size",
                    refused(MalformedVolumeException.class, backup, fixture.key(1))
                            .field());
            store = mine;
            restore(store, snapshot(small));
            assertEquals("124-154", preview(store).returning().toString());
            restore(store);
            assertSound(store);
            assertEquals(6, read(store, 150));
        }
    }

    @Nested
    class DetachedMetadata {
        @Test
        void comesBackEvenIntoAnEmptyStore() throws Exception {
            MemoryStore data = new MemoryStore("data", 0);
            MemoryStore metadata = new MemoryStore("meta", 0);
            VolumeStores stores = new VolumeStores(data, metadata);
            fixture.creator().create(stores, List.of(fixture.key(1)), VolumeFixture.ranges(100));
            try (Volume volume = open(stores)) {
                assertEquals(Errno.OK, fixture.write(volume, 0, 7));
            }
            HeaderBackup of = HeaderSnapshot.take(stores, 1, CheckProgress.SILENT);
            VolumeStores lost = new VolumeStores(data, new MemoryStore("meta", 0));
            try (HeaderRestore restore = plan(lost, of, fixture.key(1))) {
                assertEquals(100, restore.preview().lossCount());
                restore.apply(100, CLOCK);
            }
            try (Volume volume = open(lost)) {
                assertEquals(7, fixture.read(volume, 0));
            }
            assertEquals(
                    List.of(),
                    VolumeChecker.check(fixture.engine(), lost, List.of(fixture.key(1)))
                            .findings());
            VolumeRefusedException e =
                    assertThrows(VolumeRefusedException.class, () -> plan(VolumeStores.inBand(data), of, fixture.key(1))
                            .close());
            assertEquals(Reason.UNSUITABLE, e.reason());
        }

        /** A metadata store that was put back to before the volume grew past its table. */
        @Test
        void ofALargerTableLeavesASmallerOneAloneUntilItIsCommitted() throws Exception {
            int rangesOfOneExtent = MetadataLayout.FIRST_EXTENT_PAGES * TablePage.ENTRIES;
            MemoryStore data = new MemoryStore("data", 0);
            MemoryStore metadata = new MemoryStore("meta", 0);
            VolumeStores stores = new VolumeStores(data, metadata);
            fixture.creator().create(stores, List.of(fixture.key(1)), VolumeFixture.ranges(rangesOfOneExtent));
            try (Volume volume = open(stores)) {
                assertEquals(Errno.OK, fixture.write(volume, 0, 7));
            }
            MemoryStore smaller = metadata.copy();
            try (Volume volume = open(stores)) {
                VolumeResizer.grow(volume, (rangesOfOneExtent + 1) * VolumeFixture.RANGE);
            }
            HeaderBackup of = HeaderSnapshot.take(stores, 1, CheckProgress.SILENT);
            VolumeStores before = new VolumeStores(data, smaller);
            try (HeaderRestore restore = plan(before, of, fixture.key(1))) {
                smaller.failWhen(operation -> operation.kind() == Kind.FLUSH, Errno.EIO);
                assertThrows(StoreException.class, () -> restore.apply(0, CLOCK));
                smaller.failWhen(null, Errno.EIO);
            }
            try (Volume volume = open(before)) {
                assertEquals(7, fixture.read(volume, 0));
                assertEquals(rangesOfOneExtent, volume.shape().rangeCount());
            }
            try (HeaderRestore restore = plan(before, of, fixture.key(1))) {
                restore.apply(0, CLOCK);
            }
            try (Volume volume = open(before)) {
                assertEquals(7, fixture.read(volume, 0));
                assertEquals(rangesOfOneExtent + 1, volume.shape().rangeCount());
            }
        }

        private Volume open(VolumeStores stores) throws Exception {
            return fixture.opener().open(stores, List.of(fixture.key(1)), OpenOptions.DEFAULT);
        }
    }

    @Nested
    class WhenThePowerFails {
        @Test
        void atAnyWriteTheVolumeIsAsItWasOrRestoredAndARepeatFinishes() throws Exception {
            int[] outcomes = new int[2];
            forEveryCut(store.copy(), found -> {
                MemoryStore opened = found.copy();
                int newer = read(opened, 40);
                assertTrue(newer == 4 || newer == 0, "range 40 reads " + newer);
                assertEquals(1, read(opened, 0));
                assertEquals(3, read(opened, 5));
                outcomes[newer == 4 ? 0 : 1]++;
                if (newer == 4) {
                    assertEquals("31-61", preview(found).lost().toString(), "the preview is as before");
                }
                finish(found);
            });
            assertTrue(outcomes[0] > 10 && outcomes[1] > 10, "both outcomes were seen");
        }

        @Test
        void whileNothingWasLeftARepeatFinishes() throws Exception {
            MemoryStore broken = store.copy();
            destroyHead(broken);
            broken.startRecording();
            forEveryCut(broken, this::finish);
        }

        private void finish(MemoryStore found) throws Exception {
            restore(found);
            assertSound(found);
            assertEquals(1, read(found, 0));
            assertEquals(3, read(found, 5));
            assertEquals(0, read(found, 40));
        }

        /** Cuts a restore after every operation, with every kind of loss, writes torn at each 512 bytes. */
        private void forEveryCut(MemoryStore volume, Found promise) throws Exception {
            restore(volume);
            Random random = new Random(SEED);
            List<Operation> operations = volume.operations();
            for (int count = 0; count <= operations.size(); count++) {
                for (Unflushed unflushed : Unflushed.values()) {
                    boolean tearable = count < operations.size()
                            && operations.get(count).kind() == Kind.WRITE
                            && unflushed != Unflushed.SOME;
                    int length = tearable ? Math.min(4096, operations.get(count).data().length) : 1;
                    for (int torn = 0; torn < length; torn += 512) {
                        MemoryStore found = volume.afterPowerCut(count, unflushed, torn, random);
                        try {
                            promise.in(found);
                        } catch (Exception | AssertionError e) {
                            throw new AssertionError(
                                    "after " + count + " of " + operations.size() + " operations, unflushed "
                                            + unflushed + ", torn at " + torn + ", seed " + SEED,
                                    e);
                        }
                    }
                }
            }
        }
    }

    /** What must hold of a volume that is found after a power cut. */
    private interface Found {
        void in(MemoryStore volume) throws Exception;
    }

    private static TableEntry shredded(int generation) {
        return new TableEntry(TableEntry.SHREDDED, 0, generation, 0, 1, 1, 0, new byte[TableEntry.WRAPPED_DEK_BYTES]);
    }
}
