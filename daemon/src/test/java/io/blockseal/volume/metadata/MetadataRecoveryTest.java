package io.blockseal.volume.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.MemoryStore.Operation;
import io.blockseal.store.MemoryStore.Unflushed;
import io.blockseal.store.StoreException;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.table.RangeWord;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** A commit fails, the storage gets well, and the volume goes on without being opened anew. */
class MetadataRecoveryTest {
    private static final long SEED = 20_261_125;
    private static final int UNITS = 16;

    private final VolumeFixture fixture = new VolumeFixture();
    private final ArrayDeque<Runnable> later = new ArrayDeque<>();

    private Volume open(MemoryStore store) throws Exception {
        return new VolumeOpener(
                        fixture.engine(),
                        HostMemory.none(),
                        Runnable::run,
                        () -> Instant.ofEpochSecond(1),
                        (delayMillis, task) -> later.add(task))
                .open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT);
    }

    private void timePasses() {
        for (int due = later.size(); due > 0; due--) {
            later.remove().run();
        }
    }

    /** Fails the operation of that number, counted from now, or only from it on. */
    private static int[] failAt(MemoryStore store, int number, boolean onwards) {
        int[] count = {0};
        store.failWhen(
                operation -> {
                    int mine = count[0]++;
                    return mine == number || (onwards && mine > number);
                },
                Errno.EIO);
        return count;
    }

    private static boolean isRoot(Operation operation) {
        return operation.kind() == Kind.WRITE
                && (operation.offset() == MetadataLayout.rootOffset(0)
                        || operation.offset() == MetadataLayout.rootOffset(1));
    }

    /** How many operations one first touch of a range makes. */
    private int operationsOfACommit() throws Exception {
        MemoryStore store = fixture.create(70);
        try (Volume volume = open(store)) {
            int[] count = failAt(store, -1, false);
            assertEquals(Errno.OK, VolumeFixture.allocate(volume, 40));
            return count[0];
        }
    }

    @Test
    void goesOnByItselfWhicheverOperationFailed() throws Exception {
        int operations = operationsOfACommit();
        assertTrue(operations >= 6, "two page copies, two roots, two flushes: " + operations);
        for (int failing = 0; failing < operations; failing++) {
            for (boolean onwards : new boolean[] {false, true}) {
                goesOnAfter(failing, onwards);
            }
        }
    }

    private void goesOnAfter(int failing, boolean onwards) throws Exception {
        String where = "operation " + failing + (onwards ? " and all after it" : "");
        later.clear();
        MemoryStore store = fixture.create(70);
        try (Volume volume = open(store)) {
            fixture.write(volume, 0, 1);
            failAt(store, failing, onwards);
            Errno first = VolumeFixture.allocate(volume, 40);
            assertEquals(Volume.State.METADATA_FAILED, volume.state(), where);
            assertEquals(Errno.EIO, VolumeFixture.allocate(volume, 69), where);
            assertEquals(1, fixture.read(volume, 0), where);
            timePasses();
            if (onwards) {
                assertEquals(Volume.State.METADATA_FAILED, volume.state(), "the store still fails, " + where);
                assertFalse(later.isEmpty(), "it is tried again, " + where);
            }
            store.failWhen(null, Errno.EIO);
            timePasses();
            assertEquals(Volume.State.OPEN, volume.state(), where);
            assertEquals(1, volume.metadataRecoveries(), where);
            if (first == Errno.OK) {
                assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(40)), where);
            }
            for (int range : new int[] {40, 41, 69}) {
                assertEquals(Errno.OK, fixture.write(volume, range * UNITS, range), where);
            }
        }
        try (Volume volume = fixture.open(store)) {
            assertEquals(1, fixture.read(volume, 0), where);
            for (int range : new int[] {40, 41, 69}) {
                assertEquals(range, fixture.read(volume, range * UNITS), where);
            }
        }
    }

    @Test
    void survivesAPowerCutAtAnyOperationOfIt() throws Exception {
        int operations = operationsOfACommit();
        Random random = new Random(SEED);
        for (int failing = 0; failing < operations; failing++) {
            later.clear();
            MemoryStore store = fixture.create(70);
            try (Volume volume = open(store)) {
                fixture.write(volume, 0, 1);
                store.flush();
                store.startRecording();
                failAt(store, failing, false);
                VolumeFixture.allocate(volume, 40);
                store.failWhen(null, Errno.EIO);
                timePasses();
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, 40));
            }
            for (int count = 0; count <= store.operations().size(); count++) {
                for (Unflushed unflushed : Unflushed.values()) {
                    MemoryStore found = store.afterPowerCut(count, unflushed, 0, random);
                    try (Volume volume = fixture.open(found)) {
                        assertEquals(1, fixture.read(volume, 0));
                        assertEquals(Errno.OK, fixture.write(volume, 40 * UNITS, 7));
                        assertEquals(7, fixture.read(volume, 40 * UNITS));
                    } catch (Exception | AssertionError e) {
                        throw new AssertionError(
                                "operation " + failing + " failed, cut after " + count + ", " + unflushed + ", seed "
                                        + SEED,
                                e);
                    }
                }
            }
        }
    }

    @Test
    void staysFailedWhenSomebodyElseWroteTheRoots() throws Exception {
        MemoryStore store = fixture.create(70);
        MemoryStore other = fixture.create(70);
        try (Volume volume = open(store)) {
            failAt(store, 0, true);
            assertEquals(Errno.EIO, VolumeFixture.allocate(volume, 40));
            store.failWhen(null, Errno.EIO);
            for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                long offset = MetadataLayout.rootOffset(copy);
                store.poke(offset, other.peek(offset, MetadataLayout.BLOCK_BYTES));
            }
            String before = store.fingerprint();
            timePasses();
            assertEquals(Volume.State.METADATA_FAILED, volume.state());
            assertEquals(before, store.fingerprint(), "nothing of the other volume is overwritten");
        }
    }

    /** The system tells of a failed write once, to whoever syncs first: here to a guest. */
    @Nested
    class WhenSomebodyElseIsToldOfTheLoss {
        private void loseAtFlush(MemoryStore store, int number) {
            int[] flushes = {0};
            store.failWhen(
                    operation -> {
                        if (operation.kind() == Kind.FLUSH && flushes[0]++ == number) {
                            store.countLoss();
                        }
                        return false;
                    },
                    Errno.EIO);
        }

        @Test
        void theRootIsNotWrittenOverPagesThatMayBeGone() throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = open(store)) {
                store.startRecording();
                loseAtFlush(store, 0);
                assertEquals(Errno.EIO, VolumeFixture.allocate(volume, 40));
                assertTrue(store.operations().stream().noneMatch(MetadataRecoveryTest::isRoot));
                timePasses();
                assertEquals(Volume.State.OPEN, volume.state());
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, 40));
            }
        }

        @Test
        void aRemovedKeySlotIsReallyGoneWhenTheRemovalIsAnswered() throws Exception {
            for (int flush = 0; flush < 5; flush++) {
                MemoryStore store = fixture.create(4);
                try (Volume volume = open(store)) {
                    volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
                    byte[] blob =
                            Objects.requireNonNull(volume.keySlotArea().slot(1)).blob();
                    loseAtFlush(store, flush);
                    boolean removed = true;
                    try {
                        volume.keySlots().remove(1, false);
                    } catch (StoreException e) {
                        removed = false;
                    }
                    timePasses();
                    assertEquals(Volume.State.OPEN, volume.state());
                    for (int area = 0; removed && area < 2; area++) {
                        byte[] image = store.peek(MetadataLayout.keySlotAreaOffset(area), KeySlotArea.AREA_BYTES);
                        assertEquals(-1, indexOf(image, blob), "flush " + flush + ", area " + area);
                    }
                }
            }
        }

        private int indexOf(byte[] image, byte[] wanted) {
            for (int at = 0; at + wanted.length <= image.length; at++) {
                if (Arrays.equals(image, at, at + wanted.length, wanted, 0, wanted.length)) {
                    return at;
                }
            }
            return -1;
        }
    }

    @Test
    void aKeySlotThatCouldNotBeOverwrittenIsOverwrittenLater() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = open(store)) {
            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
            RootBlock before = volume.root();
            int old = before.keySlotArea();
            // The commit stands; then the old area cannot be written.
            store.failWhen(
                    operation -> operation.kind() == Kind.WRITE
                            && operation.offset() == MetadataLayout.keySlotAreaOffset(old),
                    Errno.EIO);
            Exception told =
                    assertThrows(StoreException.class, () -> volume.keySlots().remove(1, false));
            assertTrue(String.valueOf(told.getMessage()).contains("done, but"), told.getMessage());
            assertNotEquals(before.commitSeq(), volume.commitSeq());
            store.failWhen(null, Errno.EIO);
            timePasses();
            assertEquals(Volume.State.OPEN, volume.state());
            byte[] a = store.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES);
            byte[] b = store.peek(MetadataLayout.keySlotAreaOffset(1), KeySlotArea.AREA_BYTES);
            assertTrue(Arrays.equals(a, b), "both areas are the new one");
        }
    }
}
