package io.blockseal.volume.header;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.BackupLayout;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.MovingStore;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A header backup is whole, or it is refused: as a snapshot of a volume and as a file. */
class HeaderBackupTest {
    private static final long NOW = 1_700_000_200;
    private static final long SEED = 20_261_125;

    private final VolumeFixture fixture = new VolumeFixture();
    private MemoryStore store = new MemoryStore("unset", 0);

    @TempDir
    private Path directory;

    @BeforeEach
    void createAndWrite() throws Exception {
        store = fixture.create(70);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 1);
            fixture.write(volume, 40 * 16, 2);
        }
    }

    private HeaderBackup snapshot(MemoryStore of) throws Exception {
        return HeaderSnapshot.take(
                fixture.engine(), VolumeStores.inBand(of), List.of(fixture.key(1)), -1, NOW, CheckProgress.SILENT);
    }

    private HeaderBackup snapshotWithoutKey(MemoryStore of) throws Exception {
        return HeaderSnapshot.take(VolumeStores.inBand(of), NOW, CheckProgress.SILENT);
    }

    private Path file() {
        return directory.resolve("vol.header");
    }

    @Nested
    class AsASnapshot {
        @Test
        void hasRootKeySlotsAndEveryPageThatIsNotEmpty() throws Exception {
            String before = store.fingerprint();
            for (HeaderBackup backup : List.of(snapshot(store), snapshotWithoutKey(store))) {
                assertArrayEquals(store.peek(0, 4096), backup.root().image());
                assertArrayEquals(
                        store.peek(MetadataLayout.keySlotAreaOffset(0), 16384),
                        backup.area().image());
                assertEquals(2, backup.pageCount());
                assertEquals(62, backup.activeRanges());
                assertEquals(NOW, backup.createdSeconds());
                assertEquals(1, backup.keySlots().size());
            }
            assertEquals(before, store.fingerprint(), "a backup changes nothing");
        }

        @Test
        void ofOneIntactCopyIsAsGoodAsOfTwo() throws Exception {
            byte[] whole = bytes(snapshot(store));
            store.poke(200, new byte[50]);
            store.flip(MetadataLayout.keySlotAreaOffset(1) + 99);
            store.poke((33 << 20) + 300, new byte[50]);
            store.spoil((2 << 20) + 4096);
            assertArrayEquals(whole, bytes(snapshot(store)));
        }

        @Test
        void isRefusedWhenAPageIsLost() {
            for (int copy = 0; copy < 2; copy++) {
                store.poke((2 + 31 * copy << 20) + 4096 + 500, (byte) 1, (byte) 2, (byte) 3);
            }
            VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> snapshot(store));
            assertTrue(String.valueOf(e.getMessage()).contains("table page 1"), e.getMessage());
        }

        @Test
        void isRefusedWithoutAKeyWhenOnlyAKeyCanTellWhichCopyIsRight() throws Exception {
            byte[] whole = bytes(snapshot(store));
            store.poke((33 << 20) + 500, (byte) 1, (byte) 2, (byte) 3);
            assertThrows(VolumeRefusedException.class, () -> snapshotWithoutKey(store));
            assertArrayEquals(whole, bytes(snapshot(store)));
        }

        @Test
        void isRefusedWhenTheTableIsNotTheRootsOwn() {
            for (int copy = 0; copy < 2; copy++) {
                store.poke(2 + 31 * copy << 20, new byte[4096]);
            }
            MalformedVolumeException e = assertThrows(MalformedVolumeException.class, () -> snapshot(store));
            assertEquals("table_root", e.field());
        }

        @Test
        void isOfOneCommitThoughTheVolumeMovesOnWhileItIsRead() throws Exception {
            // A guest fills the volume while cron makes the backup.
            MemoryStore served = fixture.create(31 * 16);
            try (Volume volume = fixture.open(served)) {
                MovingStore moving = new MovingStore(served, 3, 40, step -> fixture.write(volume, step * 31 * 16, 7));
                HeaderBackup backup = HeaderSnapshot.take(
                        fixture.engine(),
                        VolumeStores.inBand(moving),
                        List.of(fixture.key(1)),
                        -1,
                        NOW,
                        CheckProgress.SILENT);
                assertEquals(volume.commitSeq(), backup.commitSeq());
                assertEquals(moving.steps(), backup.pageCount());
                assertTrue(moving.steps() > 3, "the volume moved while it was read");
                HeaderBackup without = HeaderSnapshot.take(VolumeStores.inBand(moving), NOW, CheckProgress.SILENT);
                assertArrayEquals(bytes(backup), bytes(without));
            }
        }
    }

    private byte[] bytes(HeaderBackup backup) throws Exception {
        Path path = directory.resolve("bytes");
        Files.deleteIfExists(path);
        BackupFile.write(path, backup, false);
        return Files.readAllBytes(path);
    }

    @Nested
    class AsAFile {
        @Test
        void comesBackAsItWas() throws Exception {
            HeaderBackup backup = snapshot(store);
            byte[] written = bytes(backup);
            assertEquals(backup.fileBytes(), written.length);
            assertEquals(BackupLayout.fileBytes(2), written.length);
            Files.write(file(), written);
            HeaderBackup read = BackupFile.read(file());
            assertArrayEquals(written, bytes(read));
            assertEquals(backup.uuid(), read.uuid());
            assertEquals(
                    "rw-------",
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(directory.resolve("bytes"))));
        }

        @Test
        void isRefusedWhicheverByteIsFlipped() throws Exception {
            byte[] good = bytes(snapshot(store));
            Random random = new Random(SEED);
            for (int i = 0; i < 3000; i++) {
                int at = i < 512 ? i : random.nextInt(good.length);
                byte[] bad = good.clone();
                bad[at] ^= (byte) (1 << random.nextInt(8));
                refused(bad, "byte " + at + ", seed " + SEED);
            }
        }

        @Test
        void isRefusedWhicheverFieldIsFlippedAlsoWithItsChecksumPutRight() throws Exception {
            // Whoever alters the file recomputes its checksum; what remains must fit the root, whose MAC is looked at
            // later.
            byte[] good = bytes(snapshot(store));
            for (int at = 0; at < BackupLayout.HEAD_BYTES; at++) {
                boolean created = at >= 0x28 && at < 0x30;
                byte[] bad = good.clone();
                bad[at] ^= 1;
                if (!created) {
                    refused(withChecksum(bad), "byte " + at);
                }
            }
        }

        @Test
        void isRefusedWhereverItEnds() throws Exception {
            byte[] good = bytes(snapshot(store));
            for (int length = 0; length < good.length; length += length < 64 ? 1 : 509) {
                refused(Arrays.copyOf(good, length), "length " + length);
            }
            refused(Arrays.copyOf(good, good.length + 1), "one byte more");
        }

        @Test
        void isRefusedForACountThatIsNotThere() throws Exception {
            byte[] good = bytes(snapshot(store));
            for (int count : new int[] {-1, 0, 1, 3, 4, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                byte[] bad = good.clone();
                ByteBuffer.wrap(bad).order(ByteOrder.LITTLE_ENDIAN).putInt(0x0c, count);
                refused(withChecksum(bad), "count " + count);
            }
        }

        @Test
        void isRefusedWithAPageTwiceOrOutOfOrder() throws Exception {
            byte[] good = bytes(snapshot(store));
            byte[] bad = good.clone();
            System.arraycopy(
                    good,
                    BackupLayout.RECORDS,
                    bad,
                    BackupLayout.RECORDS + BackupLayout.RECORD_BYTES,
                    BackupLayout.RECORD_BYTES);
            refused(withChecksum(bad), "twice");
            System.arraycopy(
                    good,
                    BackupLayout.RECORDS + BackupLayout.RECORD_BYTES,
                    bad,
                    BackupLayout.RECORDS,
                    BackupLayout.RECORD_BYTES);
            refused(withChecksum(bad), "out of order");
        }

        @Test
        void replacesOnlyABackupOfTheSameVolumeAndOnlyWhenTold() throws Exception {
            HeaderBackup backup = snapshot(store);
            BackupFile.write(file(), backup, false);
            assertEquals(Reason.NOT_EMPTY, notReplaced(backup, false));
            BackupFile.write(file(), backup, true);

            HeaderBackup other = snapshot(fixture.create(3));
            byte[] before = Files.readAllBytes(file());
            assertEquals(Reason.NOT_EMPTY, notReplaced(other, true));
            assertArrayEquals(before, Files.readAllBytes(file()));

            // Two names mixed up must not cost the volume itself.
            byte[] volume = store.peek(0, 1 << 20);
            Files.write(file(), volume);
            assertEquals(Reason.NOT_EMPTY, notReplaced(backup, true));
            assertArrayEquals(volume, Files.readAllBytes(file()));
            try (Stream<Path> left = Files.list(directory)) {
                assertEquals(Set.of(file()), new HashSet<>(left.toList()), "no temporary file is left behind");
            }
        }

        /** As a job that repeats would, on a disk that somebody put back. */
        @Test
        void doesNotReplaceANewerBackupByAnOlderOne() throws Exception {
            HeaderBackup older = snapshot(store);
            try (Volume volume = fixture.open(store)) {
                volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
            }
            HeaderBackup newer = snapshot(store);
            BackupFile.write(file(), older, false);
            BackupFile.write(file(), newer, true);
            byte[] before = Files.readAllBytes(file());
            assertEquals(Reason.ROLLBACK, notReplaced(older, true));
            assertArrayEquals(before, Files.readAllBytes(file()));
            BackupFile.write(file(), newer, true);
        }

        private Reason notReplaced(HeaderBackup backup, boolean replace) {
            return assertThrows(VolumeRefusedException.class, () -> BackupFile.write(file(), backup, replace))
                    .reason();
        }

        private void refused(byte[] bytes, String what) throws IOException {
            Files.write(file(), bytes);
            assertThrows(MalformedVolumeException.class, () -> BackupFile.read(file()), what);
        }
    }

    static byte[] withChecksum(byte[] file) throws Exception {
        byte[] right = file.clone();
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(right, 0, right.length - 32);
        System.arraycopy(digest.digest(), 0, right, right.length - 32, 32);
        return right;
    }
}
