package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.block.Errno;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.header.HeaderBackup;
import io.blockseal.volume.header.HeaderRestore;
import io.blockseal.volume.header.HeaderSnapshot;
import io.blockseal.volume.header.RestoreRequest;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Another volume key under an open volume. Four pages of ranges; one of them is never used. */
class VolumeKeyRotationTest {
    private static final int RANGES = 4 * TablePage.ENTRIES;
    private static final int UNITS_PER_RANGE = (int) (VolumeFixture.RANGE / VolumeFixture.UNIT);
    private static final int[] USED = {0, 5, 40, 100};

    private final VolumeFixture fixture = new VolumeFixture();

    private static long unitOf(int range) {
        return (long) range * UNITS_PER_RANGE;
    }

    private MemoryStore used() throws Exception {
        MemoryStore store = fixture.create(RANGES);
        try (Volume volume = fixture.open(store)) {
            for (int range : USED) {
                assertEquals(Errno.OK, fixture.write(volume, unitOf(range), range + 1));
            }
        }
        return store;
    }

    private void requireData(Volume volume) throws Exception {
        for (int range : USED) {
            assertEquals(range + 1, fixture.read(volume, unitOf(range)), "range " + range);
        }
    }

    private List<KeySource> key(int fill) {
        return List.of(fixture.key(fill));
    }

    /** Lets so many groups pass, then tells the work to end. */
    private static JobControl endAfter(int groups) {
        return new JobControl() {
            private int left = groups;

            @Override
            public void checkpoint() throws JobCanceledException {
                if (left-- == 0) {
                    throw new JobCanceledException("told to end");
                }
            }

            @Override
            public void phase(String words) {}

            @Override
            public void progress(long done, long total) {}
        };
    }

    /** A rotation that was begun and has done so many of the three pages in use. */
    private void rotatePartly(Volume volume, int groups) throws Exception {
        VolumeKeyRotation rotation = volume.volumeKeyRotation().inGroupsOf(1);
        rotation.begin(key(1), Set.of());
        assertThrows(JobCanceledException.class, () -> rotation.goOn(endAfter(groups)));
        assertTrue(rotation.standing().underWay());
    }

    /** Everything in the metadata that a volume key has wrapped: key slots and DEKs, of both copies. */
    private static List<byte[]> wrappedIn(MemoryStore store) throws Exception {
        List<byte[]> wrapped = new ArrayList<>();
        RootBlock root = RootBlock.decode(store.peek(0, MetadataLayout.BLOCK_BYTES), "root");
        for (int copy = 0; copy < 2; copy++) {
            KeySlotArea area =
                    KeySlotArea.decode(store.peek(MetadataLayout.keySlotAreaOffset(copy), KeySlotArea.AREA_BYTES));
            for (int i = 0; i < KeySlotArea.SLOTS; i++) {
                if (area.slot(i) != null) {
                    wrapped.add(area.slot(i).blob());
                }
            }
            for (int index = 0; index < root.pageCount(); index++) {
                byte[] image = store.peek(root.pageOffset(index, copy), MetadataLayout.BLOCK_BYTES);
                if (!TablePage.isZero(image)) {
                    TablePage page = TablePage.decode(image, index, "page");
                    for (int i = 0; i < TablePage.ENTRIES; i++) {
                        if (page.entry(i).state() == TableEntry.ACTIVE) {
                            wrapped.add(page.entry(i).wrappedDek());
                        }
                    }
                }
            }
        }
        return wrapped;
    }

    private static boolean holds(byte[] image, byte[] wanted) {
        for (int i = 0; i + wanted.length <= image.length; i++) {
            if (image[i] == wanted[0] && Arrays.equals(image, i, i + wanted.length, wanted, 0, wanted.length)) {
                return true;
            }
        }
        return false;
    }

    @Test
    void wrapsEverythingAnewAndLeavesNothingThatTheOldKeyOpens() throws Exception {
        MemoryStore store = used();
        List<byte[]> before = wrappedIn(store);
        try (Volume volume = fixture.open(store);
                AuditLines audit = AuditLines.listen()) {
            String identity = volume.identity();
            VolumeKeyRotation rotation = volume.volumeKeyRotation();
            rotation.begin(key(1), Set.of());
            assertNotEquals(identity, volume.identity());
            byte[] wrappedPrevious = volume.root().previousKey();
            rotation.goOn(JobControl.ALONE);
            before.add(wrappedPrevious);
            assertEquals(new VolumeKeyRotation.Standing(2, false, 4, 4), rotation.standing());
            requireData(volume);
            assertEquals(1, audit.of(AuditEvent.VOLUME_KEY_ROTATION_BEGUN).size());
            assertEquals(1, audit.of(AuditEvent.VOLUME_KEY_ROTATED).size());
        }
        byte[] image = store.peek(0, 3 << 20);
        byte[] copiesB = store.peek(33L << 20, 1 << 20);
        for (byte[] wrapped : before) {
            assertFalse(holds(image, wrapped) || holds(copiesB, wrapped), "something of the old key is left");
        }
        assertFalse(RootBlock.decode(store.peek(0, 4096), "root").rotating());
        try (Volume volume = fixture.open(store)) {
            requireData(volume);
        }
        assertTrue(VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), key(1))
                .findings()
                .isEmpty());
    }

    /** Locks at its first checkpoint and unlocks some checkpoints later. */
    private final class Locking implements JobControl {
        private final Volume volume;
        private int checkpoints;
        private long doneWhenLocked;
        private long doneWhenUnlocked;

        private Locking(Volume volume) {
            this.volume = volume;
        }

        @Override
        public void checkpoint() {
            checkpoints++;
            try {
                if (checkpoints == 2) {
                    volume.lock().lock(VolumeLock.Policy.FREEZE);
                    doneWhenLocked = volume.volumeKeyRotation().standing().donePages();
                } else if (checkpoints == 5) {
                    doneWhenUnlocked = volume.volumeKeyRotation().standing().donePages();
                    volume.lock().unlock(key(1));
                }
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void phase(String words) {}

        @Override
        public void progress(long done, long total) {}
    }

    @Test
    void waitsWhileTheVolumeIsLockedAndThenGoesOn() throws Exception {
        MemoryStore store = used();
        try (Volume volume = fixture.open(store)) {
            VolumeKeyRotation rotation = volume.volumeKeyRotation().inGroupsOf(1);
            rotation.begin(key(1), Set.of());
            Locking locking = new Locking(volume);
            rotation.goOn(locking);
            assertEquals(locking.doneWhenLocked, locking.doneWhenUnlocked);
            assertTrue(locking.doneWhenUnlocked < 4);
            assertEquals(new VolumeKeyRotation.Standing(2, false, 4, 4), rotation.standing());
            requireData(volume);
        }
    }

    @Test
    void servesWhileItGoesOnAndGivesNewRangesTheNewKey() throws Exception {
        MemoryStore store = used();
        try (Volume volume = fixture.open(store);
                DekCache cache = volume.openCache()) {
            rotatePartly(volume, 1);
            requireData(volume);
            assertNotEquals(0, cache.keyFor(40, volume.word(40)));
            // On a page that the rotation has yet to reach, and on one that was never used.
            volume.keySlots().add(key(1), fixture.key(2), "second");
            VolumeShredder.shred(volume, 40, 1);
            assertEquals(Errno.OK, fixture.write(volume, unitOf(40), 41));
            assertEquals(Errno.OK, fixture.write(volume, unitOf(80), 81));
            requireData(volume);
            volume.volumeKeyRotation().goOn(JobControl.ALONE);
            requireData(volume);
            assertEquals(81, fixture.read(volume, unitOf(80)));
            assertNotEquals(0, cache.keyFor(5, volume.word(5)), "a cache from before the rotation");
        }
        for (int key = 1; key <= 2; key++) {
            try (Volume volume = fixture.opener().open(VolumeStores.inBand(store), key(key), OpenOptions.DEFAULT)) {
                requireData(volume);
                assertEquals(81, fixture.read(volume, unitOf(80)));
            }
        }
    }

    @Test
    void goesOnAfterTheVolumeWasOpenedAnewAndCanBeReadBetween() throws Exception {
        for (int groups = 0; groups <= 3; groups++) {
            MemoryStore store = used();
            try (Volume volume = fixture.open(store)) {
                rotatePartly(volume, groups);
            }
            String found = store.fingerprint();
            try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.forReading())) {
                requireData(volume);
                assertEquals(found, store.fingerprint());
                assertThrows(VolumeRefusedException.class, () -> volume.volumeKeyRotation()
                        .goOn(JobControl.ALONE));
            }
            assertTrue(VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), key(1))
                    .findings()
                    .isEmpty());
            try (Volume volume = fixture.open(store)) {
                requireData(volume);
                assertTrue(volume.volumeKeyRotation().standing().underWay());
                volume.volumeKeyRotation().goOn(JobControl.ALONE);
                requireData(volume);
                assertFalse(volume.volumeKeyRotation().standing().underWay());
            }
            fixture.open(store).close();
        }
    }

    @Test
    void canBeBackedUpAndRestoredInTheMiddle() throws Exception {
        MemoryStore store = used();
        HeaderBackup backup;
        try (Volume volume = fixture.open(store)) {
            rotatePartly(volume, 1);
            backup = HeaderSnapshot.take(
                    fixture.engine(), VolumeStores.inBand(store), key(1), -1, 0, CheckProgress.SILENT);
        }
        store.poke(0, new byte[4096]);
        store.poke(1 << 20, new byte[4096]);
        RestoreRequest request = new RestoreRequest("backup", key(1), -1, false, false, false);
        try (HeaderRestore restore = HeaderRestore.plan(
                fixture.engine(),
                VolumeStores.inBand(store),
                backup,
                request,
                HostMemory.none(),
                CheckProgress.SILENT)) {
            assertEquals(0, restore.preview().lost().count());
            // The page that was never used cannot be told from one that was wiped.
            restore.apply(TablePage.ENTRIES, fixture.clock());
        }
        try (Volume volume = fixture.open(store)) {
            requireData(volume);
            volume.volumeKeyRotation().goOn(JobControl.ALONE);
            requireData(volume);
        }
    }

    @Test
    void losesNothingByABackupFromTheMiddleWhenItIsOver() throws Exception {
        MemoryStore store = used();
        HeaderBackup backup;
        try (Volume volume = fixture.open(store)) {
            rotatePartly(volume, 1);
            backup = HeaderSnapshot.take(
                    fixture.engine(), VolumeStores.inBand(store), key(1), -1, 0, CheckProgress.SILENT);
            volume.volumeKeyRotation().goOn(JobControl.ALONE);
        }
        RestoreRequest request = new RestoreRequest("backup", key(1), -1, false, false, false);
        try (HeaderRestore restore = HeaderRestore.plan(
                fixture.engine(),
                VolumeStores.inBand(store),
                backup,
                request,
                HostMemory.none(),
                CheckProgress.SILENT)) {
            assertEquals(0, restore.preview().lossCount());
            restore.apply(0, fixture.clock());
        }
        try (Volume volume = fixture.open(store)) {
            requireData(volume);
            assertTrue(volume.volumeKeyRotation().standing().underWay());
            volume.volumeKeyRotation().goOn(JobControl.ALONE);
            requireData(volume);
        }
    }

    @Nested
    class KeySlotsOfOtherKeys {
        private MemoryStore withSecond() throws Exception {
            MemoryStore store = used();
            try (Volume volume = fixture.open(store)) {
                volume.keySlots().add(key(1), fixture.key(2), "paper");
            }
            return store;
        }

        @Test
        void areWrappedAnewIfTheirKeysAreAtHand() throws Exception {
            MemoryStore store = withSecond();
            try (Volume volume = fixture.open(store)) {
                volume.volumeKeyRotation().begin(List.of(fixture.key(1), fixture.key(2)), Set.of());
                volume.volumeKeyRotation().goOn(JobControl.ALONE);
                assertEquals("paper", volume.keySlots().list().get(1).label());
            }
            fixture.opener()
                    .open(VolumeStores.inBand(store), key(2), OpenOptions.DEFAULT)
                    .close();
        }

        @Test
        void refuseTheRotationIfNot() throws Exception {
            MemoryStore store = withSecond();
            try (Volume volume = fixture.open(store)) {
                String before = store.fingerprint();
                VolumeRefusedException refused =
                        assertThrows(VolumeRefusedException.class, () -> volume.volumeKeyRotation()
                                .begin(key(1), Set.of()));
                assertEquals(Reason.UNSUITABLE, refused.reason());
                assertTrue(
                        refused.getMessage().contains("no key at hand opens key slot 1 \"paper\" of test:2"),
                        refused.getMessage());
                assertTrue(refused.getMessage().contains("--drop-slot 1."), refused.getMessage());
                assertEquals(before, store.fingerprint());
            }
        }

        @Test
        void areGoneIfTheyAreDropped() throws Exception {
            MemoryStore store = withSecond();
            try (Volume volume = fixture.open(store)) {
                volume.volumeKeyRotation().begin(key(1), Set.of(1));
                volume.volumeKeyRotation().goOn(JobControl.ALONE);
                assertEquals(1, volume.keySlots().list().size());
            }
            assertThrows(WrongKeyException.class, () -> fixture.opener()
                    .open(VolumeStores.inBand(store), key(2), OpenOptions.DEFAULT));
        }

        @Test
        void areNeverAllDropped() throws Exception {
            MemoryStore store = withSecond();
            try (Volume volume = fixture.open(store)) {
                VolumeRefusedException refused =
                        assertThrows(VolumeRefusedException.class, () -> volume.volumeKeyRotation()
                                .begin(key(1), Set.of(0, 1)));
                assertEquals(Reason.LAST_KEY_SLOT, refused.reason());
                assertThrows(
                        VolumeRefusedException.class,
                        () -> volume.volumeKeyRotation().begin(key(1), Set.of(7)),
                        "a slot that is free");
            }
        }
    }

    @Nested
    class SomebodyWhoTampers {
        private byte[] oldPage = new byte[0];
        private int index;

        private MemoryStore rotated() throws Exception {
            MemoryStore store = used();
            RootBlock root = RootBlock.decode(store.peek(0, 4096), "root");
            index = TablePage.pageOf(40);
            oldPage = store.peek(root.pageOffset(index, 0), 4096);
            try (Volume volume = fixture.open(store)) {
                volume.volumeKeyRotation().begin(key(1), Set.of());
                volume.volumeKeyRotation().goOn(JobControl.ALONE);
            }
            return store;
        }

        private void putBack(MemoryStore store, int... copies) throws Exception {
            RootBlock root = RootBlock.decode(store.peek(0, 4096), "root");
            for (int copy : copies) {
                store.poke(root.pageOffset(index, copy), oldPage);
            }
        }

        @Test
        void putsAPageOfTheOldKeyBackInVain() throws Exception {
            MemoryStore store = rotated();
            byte[] newPage =
                    store.peek(RootBlock.decode(store.peek(0, 4096), "root").pageOffset(index, 1), 4096);
            putBack(store, 0);
            try (Volume volume = fixture.open(store)) {
                requireData(volume);
            }
            assertArrayEquals(
                    newPage,
                    store.peek(RootBlock.decode(store.peek(0, 4096), "root").pageOffset(index, 0), 4096));
            putBack(store, 0, 1);
            try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.forReading())) {
                assertEquals(-1, fixture.read(volume, unitOf(40)));
                assertEquals(1, fixture.read(volume, unitOf(0)));
            }
            assertTrue(VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store)).findings().stream()
                    .anyMatch(finding -> finding.message().contains("of volume key 1, and the volume has 2")));
        }

        @Test
        void putsAPageBackBehindTheCursorInVain() throws Exception {
            MemoryStore store = used();
            RootBlock root = RootBlock.decode(store.peek(0, 4096), "root");
            index = 0;
            oldPage = store.peek(root.pageOffset(0, 0), 4096);
            try (Volume volume = fixture.open(store)) {
                rotatePartly(volume, 1);
            }
            putBack(store, 0, 1);
            try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.forReading())) {
                assertEquals(-1, fixture.read(volume, unitOf(0)));
                assertEquals(41, fixture.read(volume, unitOf(40)));
            }
            // And the key before is not destroyed while a page is lost.
            try (Volume volume = fixture.open(store)) {
                VolumeRefusedException refused =
                        assertThrows(VolumeRefusedException.class, () -> volume.volumeKeyRotation()
                                .goOn(JobControl.ALONE));
                assertTrue(refused.getMessage().contains("damaged in every copy"), refused.getMessage());
            }
        }

        @Test
        void claimsAnotherEpochInVain() throws Exception {
            MemoryStore store = rotated();
            try (Forger forger = new Forger(fixture.engine(), store, fixture.key(1))) {
                forger.forgeRoots(root -> root.vkEpoch(3));
            }
            String before = store.fingerprint();
            var refused = assertThrows(io.blockseal.format.MalformedVolumeException.class, () -> fixture.open(store));
            assertEquals("vk_epoch", refused.field());
            assertEquals(before, store.fingerprint());
        }
    }

    @Nested
    class OnAHostThatRemembers {
        @TempDir
        private Path stateDirectory;

        private Volume open(MemoryStore store, OpenOptions options) throws Exception {
            return fixture.opener(HostMemory.in(stateDirectory)).open(VolumeStores.inBand(store), key(1), options);
        }

        private String pinned(Volume volume) throws Exception {
            return Files.readString(stateDirectory.resolve(volume.uuid() + ".identity"))
                    .strip();
        }

        @Test
        void theIdentityFollowsInTheSameStep() throws Exception {
            MemoryStore store = used();
            try (Volume volume = open(store, OpenOptions.DEFAULT);
                    AuditLines audit = AuditLines.listen()) {
                volume.volumeKeyRotation().begin(key(1), Set.of());
                assertEquals(volume.identity(), pinned(volume));
                assertEquals(1, audit.of(AuditEvent.IDENTITY_ROTATED).size());
                volume.volumeKeyRotation().goOn(JobControl.ALONE);
            }
            open(store, OpenOptions.DEFAULT).close();
        }

        @Test
        void aCutBeforeTheIdentityWasRememberedLocksNobodyOut() throws Exception {
            MemoryStore store = used();
            String before;
            try (Volume volume = open(store, OpenOptions.DEFAULT)) {
                before = volume.identity();
            }
            try (Volume volume = fixture.open(store)) {
                rotatePartly(volume, 1);
            }
            try (Volume volume = open(store, OpenOptions.DEFAULT.expecting(before))) {
                assertEquals(volume.identity(), pinned(volume));
                volume.volumeKeyRotation().goOn(JobControl.ALONE);
            }
            VolumeRefusedException refused = assertThrows(
                    VolumeRefusedException.class, () -> open(store, OpenOptions.DEFAULT.expecting(before)));
            assertEquals(Reason.IDENTITY, refused.reason());
            open(store, OpenOptions.DEFAULT).close();
        }

        @Test
        void anotherHostIsAskedOnceItIsOver() throws Exception {
            MemoryStore store = used();
            open(store, OpenOptions.DEFAULT).close();
            try (Volume volume = fixture.open(store)) {
                volume.volumeKeyRotation().begin(key(1), Set.of());
                volume.volumeKeyRotation().goOn(JobControl.ALONE);
            }
            VolumeRefusedException refused =
                    assertThrows(VolumeRefusedException.class, () -> open(store, OpenOptions.DEFAULT));
            assertEquals(Reason.IDENTITY, refused.reason());
            open(store, OpenOptions.DEFAULT.trustingIdentity()).close();
            open(store, OpenOptions.DEFAULT).close();
        }
    }
}
