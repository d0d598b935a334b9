package io.blockseal.volume.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.block.Errno;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Unflushed;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.TamperTable;
import io.blockseal.volume.TamperTally;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.VolumeResizer;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Metadata that was put back as a whole is right in itself; this host's memory is what tells. */
@ExtendWith(TamperTable.class)
class RollbackAnchorsTest {
    private static final long RANGES = 70;

    private final VolumeFixture fixture = new VolumeFixture();

    @TempDir
    private Path directory;

    private HostMemory memory = HostMemory.none();
    private MemoryStore store = new MemoryStore("none", 0);

    @BeforeEach
    void createAndWrite() throws Exception {
        memory = HostMemory.in(directory.resolve("state"));
        store = fixture.create(RANGES);
        try (Volume volume = open()) {
            fixture.write(volume, 0, 1);
        }
    }

    private Volume open() throws Exception {
        return open(store, OpenOptions.DEFAULT);
    }

    private Volume open(MemoryStore from, OpenOptions options) throws Exception {
        return fixture.opener(memory).open(VolumeStores.inBand(from), List.of(fixture.key(1)), options);
    }

    private RollbackAnchor anchor() throws Exception {
        return Objects.requireNonNull(memory.anchors().recall(root(store).uuid()));
    }

    private static RootBlock root(MemoryStore of) throws Exception {
        return RootBlock.decode(of.peek(0, MetadataLayout.BLOCK_BYTES), "root");
    }

    private Path anchorFile() throws Exception {
        return directory.resolve("state").resolve(root(store).uuid() + ".anchor");
    }

    private VolumeRefusedException refused(MemoryStore from) {
        String before = from.fingerprint();
        VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> open(from, OpenOptions.DEFAULT)
                .close());
        assertEquals(Reason.ROLLBACK, e.reason());
        assertEquals(before, from.fingerprint(), "a refusal changes nothing");
        return e;
    }

    @Nested
    class FollowTheDisk {
        @Test
        void atOpening() throws Exception {
            assertEquals(root(store).commitSeq(), anchor().commitSeq());
            assertArrayEquals(root(store).tableRoot(), anchor().tableRoot());
        }

        @Test
        void commitByCommit() throws Exception {
            try (Volume volume = open()) {
                for (long range = 31; range < RANGES; range += 31) {
                    assertEquals(Errno.OK, VolumeFixture.allocate(volume, range));
                    assertEquals(volume.commitSeq(), anchor().commitSeq());
                    assertArrayEquals(volume.root().tableRoot(), anchor().tableRoot());
                }
            }
        }

        @Test
        void whenKeySlotsChange() throws Exception {
            try (Volume volume = open()) {
                int slot = volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
                assertEquals(volume.commitSeq(), anchor().commitSeq());
                volume.keySlots().remove(slot, false);
                assertEquals(volume.commitSeq(), anchor().commitSeq());
            }
        }

        @Test
        void whenTheVolumeGrows() throws Exception {
            try (Volume volume = open()) {
                VolumeResizer.grow(volume, 2 * RANGES * VolumeFixture.RANGE);
                assertEquals(volume.commitSeq(), anchor().commitSeq());
            }
        }

        @Test
        void neverAheadOfItWhateverWriteFails() throws Exception {
            for (int failing = 0; failing < 12; failing++) {
                MemoryStore attacked = store.copy();
                HostMemory fresh = HostMemory.in(directory.resolve("state" + failing));
                try (Volume volume = fixture.opener(fresh)
                        .open(VolumeStores.inBand(attacked), List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
                    int[] left = {failing};
                    attacked.failWhen(operation -> left[0]-- <= 0, Errno.EIO);
                    VolumeFixture.allocate(volume, 40);
                    attacked.failWhen(null, Errno.EIO);
                    RollbackAnchor remembered =
                            Objects.requireNonNull(fresh.anchors().recall(volume.uuid()));
                    for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                        RootBlock root = RootBlock.decode(
                                attacked.peek(MetadataLayout.rootOffset(copy), MetadataLayout.BLOCK_BYTES), "root");
                        assertTrue(remembered.commitSeq() <= root.commitSeq(), "operation " + failing);
                    }
                }
            }
        }
    }

    /** At the end of its life a volume is closed and not failed, but a copy may be missing all the same. */
    @Nested
    class AtTheLastCommit {
        /** Which write of the end fails; the operations that it had. */
        private int closeFailing(MemoryStore attacked, HostMemory fresh, int failing) throws Exception {
            int[] done = {0};
            try (Volume volume = fixture.opener(fresh)
                    .open(VolumeStores.inBand(attacked), List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
                volume.enciphered(0, VolumeFixture.UNIT);
                attacked.failWhen(operation -> done[0]++ == failing, Errno.EIO);
            }
            attacked.failWhen(null, Errno.EIO);
            return done[0];
        }

        @Test
        void aSecondCopyThatWasNotWrittenIsNotRemembered() throws Exception {
            int operations = closeFailing(store.copy(), HostMemory.in(directory.resolve("counting")), -1);
            assertTrue(operations >= 5, "two pages, two roots, a flush: " + operations);
            for (int failing = 0; failing < operations; failing++) {
                String where = "operation " + failing + " of " + operations;
                MemoryStore attacked = store.copy();
                HostMemory fresh = HostMemory.in(directory.resolve("state" + failing));
                closeFailing(attacked, fresh, failing);
                // Then whichever of its roots is damaged is no reason to call the other one a rollback.
                for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                    MemoryStore damaged = attacked.copy();
                    damaged.poke(MetadataLayout.rootOffset(copy), new byte[MetadataLayout.BLOCK_BYTES]);
                    assertDoesNotThrow(
                            () -> fixture.opener(fresh)
                                    .open(
                                            VolumeStores.inBand(damaged),
                                            List.of(fixture.key(1)),
                                            OpenOptions.DEFAULT.forReading())
                                    .close(),
                            where);
                }
            }
        }
    }

    @Nested
    class AfterAPowerCut {
        /** What the anchor said when the store had done so many operations. */
        private final List<String> anchors = new ArrayList<>();

        @Test
        void callNoStateOfTheDiskARollback() throws Exception {
            store.startRecording();
            Path file = anchorFile();
            try (Volume volume = open()) {
                store.startRecording();
                store.failWhen(
                        operation -> {
                            anchors.add(read(file));
                            return false;
                        },
                        Errno.EIO);
                VolumeFixture.allocate(volume, 40);
                int slot = volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
                VolumeFixture.allocate(volume, 69);
                volume.keySlots().remove(slot, false);
                VolumeResizer.grow(volume, 2 * RANGES * VolumeFixture.RANGE);
            }
            store.failWhen(null, Errno.EIO);
            anchors.add(read(file));
            long seed = 20_261_125;
            Random random = new Random(seed);
            try (TamperTally tally = new TamperTally(
                    "T6p", "power cut at every operation, anchor as it was then: never called a rollback")) {
                for (int done = 0; done < anchors.size(); done++) {
                    for (Unflushed unflushed : Unflushed.values()) {
                        int cut = done;
                        tally.state("after " + done + ", " + unflushed + ", seed " + seed, () -> {
                            MemoryStore left = store.afterPowerCut(cut, unflushed, 0, random);
                            Files.writeString(file, anchors.get(cut));
                            open(left, OpenOptions.DEFAULT).close();
                        });
                    }
                }
            }
        }

        private String read(Path file) {
            try {
                return Files.readString(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Nested
    class AnOlderCopy {
        @Test
        void isRefusedAndNamesBothCommits() throws Exception {
            MemoryStore older = store.copy();
            try (Volume volume = open()) {
                VolumeFixture.allocate(volume, 40);
            }
            try (AuditLines audit = AuditLines.listen()) {
                String message = String.valueOf(refused(older).getMessage());
                assertTrue(message.contains("of commit " + root(older).commitSeq() + ", "), message);
                assertTrue(message.contains("remembers commit " + root(store).commitSeq() + " "), message);
                assertTrue(message.contains("--accept-rollback"), message);
                List<String> lines = audit.of(AuditEvent.ROLLBACK_REFUSED);
                assertEquals(1, lines.size());
                assertTrue(lines.get(0).contains("what=older"), lines.get(0));
            }
            open().close();
        }

        @Test
        void ofEveryCommitThereWasIsRefused() throws Exception {
            List<MemoryStore> history = new ArrayList<>();
            try (Volume volume = open()) {
                for (int commit = 0; commit < 8; commit++) {
                    history.add(store.copy());
                    switch (commit) {
                        case 0 -> VolumeFixture.allocate(volume, 40);
                        case 1 -> VolumeFixture.allocate(volume, 69);
                        case 2 -> VolumeResizer.grow(volume, 2 * RANGES * VolumeFixture.RANGE);
                        default -> {
                            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(10 + commit), "more");
                        }
                    }
                }
            }
            try (TamperTally tally = new TamperTally(
                    "T6", "metadata, alone or with the data, put back to each earlier commit: refused by the anchor")) {
                for (int commit = 0; commit < history.size(); commit++) {
                    MemoryStore older = history.get(commit);
                    MemoryStore mixed = store.copy();
                    mixed.poke(0, older.peek(0, 64 << 20));
                    tally.state("all, commit " + commit, () -> refused(older));
                    tally.state("metadata, commit " + commit, () -> refused(mixed));
                }
            }
            open().close();
        }

        @Test
        void isRefusedForReadingToo() throws Exception {
            MemoryStore older = store.copy();
            try (Volume volume = open()) {
                VolumeFixture.allocate(volume, 40);
            }
            assertThrows(VolumeRefusedException.class, () -> open(older, OpenOptions.DEFAULT.forReading())
                    .close());
        }

        @Test
        void opensIfTheOperatorAcceptsItAndNeverShowsNoise() throws Exception {
            MemoryStore older = store.copy();
            try (Volume volume = open()) {
                fixture.write(volume, 40 * 16, 7);
            }
            // The data stays as it is now; only the metadata goes back.
            MemoryStore mixed = store.copy();
            mixed.poke(0, older.peek(0, 64 << 20));
            try (AuditLines audit = AuditLines.listen()) {
                try (Volume volume = open(mixed, OpenOptions.DEFAULT.acceptingRollback())) {
                    assertEquals(1, fixture.read(volume, 0));
                    assertEquals(0, fixture.read(volume, 40 * 16), "its key is gone");
                    assertEquals(Errno.OK, fixture.write(volume, 40 * 16 + 1, 9));
                    assertEquals(0, fixture.read(volume, 40 * 16), "zeroed before its next use");
                    assertEquals(volume.commitSeq(), anchor().commitSeq(), "from here on it counts again");
                }
                List<String> lines = audit.of(AuditEvent.ROLLBACK_ACCEPTED);
                assertEquals(1, lines.size());
                assertTrue(lines.get(0).contains(" found=2 anchor=3 what=older "), lines.get(0));
            }
            open(mixed, OpenOptions.DEFAULT).close();
            assertTrue(root(mixed).dirty(), "slots that are free may hold what the newer table had put there");
        }

        @Test
        void isAcceptedForReadingWithoutChangingAnything() throws Exception {
            MemoryStore older = store.copy();
            try (Volume volume = open()) {
                VolumeFixture.allocate(volume, 40);
            }
            String before = older.fingerprint();
            String anchorBefore = Files.readString(anchorFile());
            try (Volume volume = open(older, OpenOptions.DEFAULT.forReading().acceptingRollback())) {
                assertEquals(1, fixture.read(volume, 0));
            }
            assertEquals(before, older.fingerprint());
            assertEquals(anchorBefore, Files.readString(anchorFile()));
        }

        @Test
        void ofAnotherHistoryIsRefusedThoughItsNumberIsRight() throws Exception {
            MemoryStore fork = store.copy();
            try (Volume volume = open()) {
                VolumeFixture.allocate(volume, 40);
            }
            try (Volume volume = fixture.open(fork)) {
                VolumeFixture.allocate(volume, 69);
            }
            assertEquals(root(store).commitSeq(), root(fork).commitSeq());
            String message = String.valueOf(refused(fork).getMessage());
            assertTrue(message.contains("another history"), message);
        }

        @Test
        void bringsNoRemovedKeyBack() throws Exception {
            try (Volume volume = open()) {
                volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
            }
            MemoryStore older = store.copy();
            try (Volume volume = open()) {
                volume.keySlots().remove(1, false);
            }
            String before = older.fingerprint();
            VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> fixture.opener(memory)
                    .open(VolumeStores.inBand(older), List.of(fixture.key(2)), OpenOptions.DEFAULT));
            assertEquals(Reason.ROLLBACK, e.reason());
            assertEquals(before, older.fingerprint());
        }
    }

    @Nested
    class TheStateDirectory {
        @Test
        void mayBeLostAndIsFilledAnew() throws Exception {
            Files.delete(anchorFile());
            assertNull(memory.anchors().recall(root(store).uuid()));
            open().close();
            assertEquals(root(store).commitSeq(), anchor().commitSeq());
        }

        @Test
        void holdsUpNoCommitWhenItCannotBeWritten() throws Exception {
            Path file = anchorFile();
            try (Volume volume = open()) {
                // Not by a mode: whoever runs this test as root may write anywhere.
                Files.createDirectory(file.resolveSibling(file.getFileName() + ".new"));
                assertEquals(Errno.OK, fixture.write(volume, 40 * 16, 7));
                assertEquals(Errno.OK, fixture.write(volume, 69 * 16, 8));
                assertEquals(2, memory.anchors().failures());
                assertEquals(Volume.State.OPEN, volume.state());
                Files.delete(file.resolveSibling(file.getFileName() + ".new"));
                volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
                assertEquals(volume.commitSeq(), anchor().commitSeq(), "it has caught up");
            }
        }

        @Test
        void thatHoldsNonsenseIsNotBelieved() throws Exception {
            String good = Files.readString(anchorFile());
            for (String text : List.of(
                    "",
                    "blockseal anchor 2\n",
                    good.replace("commit-seq=", "commit-seq=-"),
                    good.replace("commit-seq=2", "commit-seq=99999999999999999999"),
                    good.strip() + "00",
                    good.replace("table-root=", "table-root=zz"),
                    good + "more\n",
                    "x".repeat(5000))) {
                Files.writeString(anchorFile(), text);
                assertThrows(
                        IOException.class,
                        () -> memory.anchors().recall(root(store).uuid()),
                        text);
                assertTrue(String.valueOf(refused(store).getMessage()).contains("cannot be read"));
            }
            open(store, OpenOptions.DEFAULT.acceptingRollback()).close();
            assertEquals(good, Files.readString(anchorFile()), "made anew");
        }
    }

    @Test
    void areNotNeededToOpen() throws Exception {
        assertFalse(RollbackAnchors.none().remembers());
        fixture.open(store).close();
    }
}
