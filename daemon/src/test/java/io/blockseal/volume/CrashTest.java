package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.MemoryStore.Operation;
import io.blockseal.store.MemoryStore.Unflushed;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * Pulls the plug after every single operation, with every kind of loss, and looks at what an operator finds. A disk is
 * taken to write 512 bytes at once and no more.
 */
class CrashTest {
    private static final long SEED = 20_261_124;
    private static final int PAGE_0 = 2 << 20;

    private final VolumeFixture fixture = new VolumeFixture();

    /** What must hold of a volume found after a crash. */
    private interface Promise {
        void check(MemoryStore found, int completedOperations) throws Exception;
    }

    /** Calls {@code promise} for every state in which a crash during the recorded operations may leave the store. */
    private void forEveryCrash(MemoryStore store, Promise promise) throws Exception {
        Random random = new Random(SEED);
        List<Operation> operations = store.operations();
        for (int count = 0; count <= operations.size(); count++) {
            for (Unflushed unflushed : Unflushed.values()) {
                checkOne(store, promise, count, unflushed, 0, random);
                boolean tearable = count < operations.size()
                        && operations.get(count).kind() == Kind.WRITE
                        && unflushed != Unflushed.SOME;
                int length = tearable ? Math.min(4096, operations.get(count).data().length) : 0;
                for (int torn = 512; torn < length; torn += 512) {
                    checkOne(store, promise, count, unflushed, torn, random);
                }
            }
        }
    }

    private static void checkOne(
            MemoryStore store, Promise promise, int count, Unflushed unflushed, int torn, Random random)
            throws Exception {
        try {
            promise.check(store.afterPowerCut(count, unflushed, torn, random), count);
        } catch (Exception | AssertionError e) {
            throw new AssertionError(
                    "after " + count + " of " + store.operations().size() + " operations, unflushed " + unflushed
                            + ", torn at " + torn + ", seed " + SEED,
                    e);
        }
    }

    private static int lastFlush(MemoryStore store) {
        int last = 0;
        for (int i = 0; i < store.operations().size(); i++) {
            last = store.operations().get(i).kind() == Kind.FLUSH ? i + 1 : last;
        }
        return last;
    }

    @Nested
    class DuringTheFirstWriteToARange {
        @Test
        void leavesTheWriteOrZerosNeverNoise() throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = fixture.open(store)) {
                fixture.write(volume, 5, 0x11);
                store.flush();
                store.startRecording();
                fixture.write(volume, 40 * 16, 0x22);
                store.flush();
            }
            int acknowledged = lastFlush(store);
            forEveryCrash(store, (found, count) -> {
                try (Volume volume = fixture.open(found)) {
                    assertEquals(0x11, fixture.read(volume, 5));
                    // A torn data unit may be half written: only metadata promises more than the disk does.
                    int unit = fixture.read(volume, 40 * 16);
                    boolean dataTorn = count == acknowledged - 2;
                    assertTrue(unit == 0 || unit == 0x22 || (dataTorn && unit == -2), "read " + unit);
                    assertTrue(count < acknowledged || unit == 0x22, "a flushed write is there");
                    assertEquals(0, fixture.read(volume, 41 * 16));
                    assertEquals(Errno.OK, fixture.write(volume, 41 * 16, 0x33));
                    assertEquals(0x33, fixture.read(volume, 41 * 16));
                }
            });
        }

        @Test
        void losesNothingOfEarlierCommitsToTheSamePage() throws Exception {
            // A store without a promise gives each range its key by a commit of its own: four to one page.
            MemoryStore store = fixture.create(4).trimmedReadsZeros(false);
            try (Volume volume = fixture.open(store)) {
                store.startRecording();
                for (int range = 0; range < 4; range++) {
                    VolumeFixture.allocate(volume, range);
                }
            }
            List<Operation> operations = store.operations();
            forEveryCrash(store, (found, count) -> {
                long commits = operations.subList(0, count).stream()
                                .filter(operation -> operation.kind() == Kind.FLUSH)
                                .count()
                        / 3;
                try (Volume volume = fixture.open(found)) {
                    for (int range = 0; range < commits; range++) {
                        assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(range)), "range " + range);
                    }
                }
            });
        }

        @Test
        void survivesASecondCrashDuringTheRepair() throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = fixture.open(store)) {
                fixture.write(volume, 5, 0x11);
                store.flush();
                store.startRecording();
                VolumeFixture.allocate(volume, 40);
            }
            forEveryCrash(store, (found, count) -> {
                fixture.open(found).close();
                forEveryCrash(found, (again, secondCount) -> {
                    try (Volume volume = fixture.open(again)) {
                        assertEquals(0x11, fixture.read(volume, 5));
                        assertEquals(Errno.OK, VolumeFixture.allocate(volume, 40));
                    }
                });
            });
        }
    }

    @Nested
    class AfterASlotWasZeroedOnAStoreOfItsOwn {
        @Test
        void neverShowsWhatLayThereBefore() throws Exception {
            MemoryStore data = new MemoryStore("data", 10 * VolumeFixture.RANGE).trimmedReadsZeros(false);
            MemoryStore meta = new MemoryStore("meta", 0);
            VolumeStores stores = new VolumeStores(data, meta);
            fixture.creator().create(stores, List.of(fixture.key(1)), VolumeFixture.ranges(4));
            data.poke(0, new byte[] {1, 2, 3});
            data.startRecording();
            try (Volume volume = fixture.opener().open(stores, List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
                VolumeFixture.allocate(volume, 0);
            }
            MemoryStore found = data.afterPowerCut(data.operations().size(), Unflushed.LOST, 0, new Random(SEED));
            VolumeStores after = new VolumeStores(found, meta);
            try (Volume volume = fixture.opener().open(after, List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
                assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(0)));
                assertEquals(0, fixture.read(volume, 0));
            }
        }
    }

    @Nested
    class BetweenPageAndRoot {
        private MemoryStore cutAfterPageWrite() throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = fixture.open(store)) {
                store.startRecording();
                VolumeFixture.allocate(volume, 0);
            }
            assertEquals(Kind.WRITE, store.operations().get(0).kind());
            return store.afterPowerCut(1, Unflushed.KEPT, 0, new Random(SEED));
        }

        @Test
        void keepsTheOldStateAndOverwritesTheOrphan() throws Exception {
            MemoryStore found = cutAfterPageWrite();
            String before = found.fingerprint();
            try (Volume volume = fixture.open(found)) {
                assertEquals(RangeWord.NONE, RangeWord.state(volume.word(0)));
            }
            assertNotEquals(before, found.fingerprint());
            assertArrayEquals(new byte[4096], found.peek(PAGE_0, 4096));
            assertArrayEquals(new byte[4096], found.peek(33 << 20, 4096));
        }

        @Test
        void doesNotComeAliveWithTheNextCommit() throws Exception {
            MemoryStore found = cutAfterPageWrite();
            try (Volume volume = fixture.open(found)) {
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, 40));
            }
            try (Volume volume = fixture.open(found)) {
                assertEquals(RangeWord.NONE, RangeWord.state(volume.word(0)));
                assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(40)));
            }
        }
    }

    @Nested
    class WithDamagedRoots {
        @Test
        void goesOnWithTheOtherRootAndHealsIt() throws Exception {
            MemoryStore store = fixture.create(4);
            try (Volume volume = fixture.open(store)) {
                fixture.write(volume, 0, 7);
            }
            for (int copy = 0; copy < 2; copy++) {
                for (int offset = 0; offset < 4096; offset += 512) {
                    MemoryStore damaged = store.copy();
                    damaged.poke(MetadataLayout.rootOffset(copy) + offset + 100, new byte[] {1, 2, 3, 4});
                    try (Volume volume = fixture.open(damaged)) {
                        assertEquals(7, fixture.read(volume, 0));
                    }
                    assertEquals(store.fingerprint(), damaged.fingerprint(), "healed");
                }
            }
        }

        @Test
        void refusesWhenBothAreDamagedAndChangesNothing() throws Exception {
            MemoryStore store = fixture.create(4);
            store.poke(100, (byte) 1);
            store.poke((1 << 20) + 100, (byte) 1);
            String before = store.fingerprint();
            MalformedVolumeException e = assertThrows(MalformedVolumeException.class, () -> fixture.open(store));
            assertEquals("roots", e.field());
            assertEquals(before, store.fingerprint());
        }
    }

    @Nested
    class WithADamagedNewestRootBeforeItsTwinIsOnTheDisk {
        /** Range 40 was given its key and written to; what is left is the root of before, and the page as an orphan. */
        private MemoryStore fallenBack() throws Exception {
            MemoryStore store = fixture.create(70);
            byte[] oldRoot = store.peek(0, 4096);
            try (Volume volume = fixture.open(store)) {
                fixture.write(volume, 40 * 16, 0x22);
            }
            store.poke(0, oldRoot);
            store.poke((2 << 20) + 4096, new byte[4096]);
            store.poke((1 << 20) + 100, new byte[] {1, 2, 3, 4});
            store.startRecording();
            return store;
        }

        @Test
        void showsZerosAndNotNoiseHoweverOftenItIsOpenedBefore() throws Exception {
            for (int opened = 0; opened < 2; opened++) {
                MemoryStore store = fallenBack();
                for (int i = 0; i < opened; i++) {
                    fixture.open(store).close();
                }
                try (Volume volume = fixture.open(store)) {
                    assertEquals(RangeWord.NONE, RangeWord.state(volume.word(40)));
                    assertEquals(Errno.OK, fixture.write(volume, 40 * 16 + 1, 9));
                    assertEquals(0, fixture.read(volume, 40 * 16));
                }
            }
        }

        @Test
        void showsNoNoiseAfterASecondCrashEither() throws Exception {
            MemoryStore store = fallenBack();
            fixture.open(store).close();
            forEveryCrash(store, (found, count) -> {
                try (Volume volume = fixture.open(found)) {
                    assertEquals(Errno.OK, VolumeFixture.allocate(volume, 40));
                    assertEquals(0, fixture.read(volume, 40 * 16));
                }
            });
        }
    }

    /** The system shows what a failed flush did not write, and takes it for written. */
    @Nested
    class AfterAFailedFlushInTheSameBoot {
        @Test
        void makesTheCommitAgain() throws Exception {
            MemoryStore disk = fixture.create(70);
            MemoryStore store = disk.copy();
            int[] flushes = {0};
            Volume failing = fixture.open(store);
            store.failWhen(operation -> operation.kind() == Kind.FLUSH && flushes[0]++ == 1, Errno.EIO);
            assertEquals(Errno.EIO, VolumeFixture.allocate(failing, 40));
            store.failWhen(null, Errno.EIO);
            failing.close();
            store.startRecordingOver(disk, false);
            try (Volume volume = fixture.open(store)) {
                assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(40)), "the system's memory shows it");
            }
            int size = store.operations().size();
            forEveryCrash(store, (found, count) -> {
                try (Volume volume = fixture.open(found)) {
                    boolean active = RangeWord.state(volume.word(40)) == RangeWord.ACTIVE;
                    assertTrue(active || count < size, "opened, yet not durable");
                }
            });
        }

        @Test
        void believesTheDiskAndNotTheSystemsMemory() throws Exception {
            MemoryStore disk = fixture.create(70);
            MemoryStore store = disk.copy();
            try (Volume volume = fixture.open(store)) {
                // B is durable, A was written as the second copy and lost.
                VolumeFixture.allocate(volume, 40);
            }
            disk.poke(1 << 20, store.peek(1 << 20, 4096));
            disk.poke((33 << 20) + 4096, store.peek((33 << 20) + 4096, 4096));
            store.startRecordingOver(disk, true);
            try (Volume volume = fixture.open(store)) {
                VolumeFixture.allocate(volume, 0);
            }
            forEveryCrash(store, (found, count) -> {
                try (Volume volume = fixture.open(found)) {
                    assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(40)));
                }
            });
        }
    }

    @Nested
    class AfterAnErrorInACommit {
        private void failAt(Kind kind, int occurrence) throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = fixture.open(store)) {
                fixture.write(volume, 0, 7);
                store.flush();
                int[] seen = {0};
                store.failWhen(operation -> operation.kind() == kind && seen[0]++ == occurrence, Errno.EIO);
                assertEquals(Errno.EIO, VolumeFixture.allocate(volume, 40));
                assertEquals(Volume.State.METADATA_FAILED, volume.state());
                assertEquals(Errno.EIO, VolumeFixture.allocate(volume, 69), "no new keys until it is opened anew");
                assertEquals(7, fixture.read(volume, 0));
                assertEquals(Errno.OK, fixture.write(volume, 1, 8), "ranges in use go on");
            }
            store.failWhen(null, Errno.EIO);
            try (Volume volume = fixture.open(store)) {
                assertEquals(7, fixture.read(volume, 0));
                assertEquals(8, fixture.read(volume, 1));
                assertEquals(Errno.OK, fixture.write(volume, 69 * 16, 9), "opening anew heals");
                assertEquals(Errno.OK, fixture.write(volume, 40 * 16, 10));
            }
            try (Volume volume = fixture.open(store)) {
                assertEquals(9, fixture.read(volume, 69 * 16));
                assertEquals(10, fixture.read(volume, 40 * 16));
            }
        }

        @Test
        void stopsAtAPageWrite() throws Exception {
            failAt(Kind.WRITE, 0);
        }

        @Test
        void stopsAtTheFirstFlush() throws Exception {
            failAt(Kind.FLUSH, 0);
        }

        @Test
        void stopsAtTheRootWrite() throws Exception {
            failAt(Kind.WRITE, 1);
        }

        @Test
        void stopsAtTheSecondFlush() throws Exception {
            failAt(Kind.FLUSH, 1);
        }

        @Test
        void keepsACommitWhoseSecondCopyFailed() throws Exception {
            MemoryStore store = fixture.create(4);
            try (Volume volume = fixture.open(store)) {
                int[] seen = {0};
                store.failWhen(operation -> operation.kind() == Kind.WRITE && seen[0]++ == 2, Errno.EIO);
                assertEquals(Errno.OK, fixture.write(volume, 0, 7));
                assertEquals(Volume.State.METADATA_FAILED, volume.state());
                store.failWhen(null, Errno.EIO);
            }
            try (Volume volume = fixture.open(store)) {
                assertEquals(7, fixture.read(volume, 0));
            }
        }
    }

    @Nested
    class WhileASlotIsChanged {
        @Test
        void opensWithTheOldKeyThroughout() throws Exception {
            MemoryStore store = fixture.create(4);
            try (Volume volume = fixture.open(store)) {
                store.startRecording();
                volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "second");
            }
            int size = store.operations().size();
            forEveryCrash(store, (found, count) -> {
                fixture.open(found).close();
                if (count == size) {
                    openWith(found, 2).close();
                }
            });
        }

        @Test
        void removesASlotWhollyOrNotAtAll() throws Exception {
            MemoryStore store = fixture.create(4);
            byte[] slotImage;
            try (Volume volume = fixture.open(store)) {
                assertEquals(1, volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "second"));
                slotImage = store.peek(MetadataLayout.keySlotAreaOffset(0) + 1024, 1024);
                store.startRecording();
                volume.keySlots().remove(1, false);
            }
            int size = store.operations().size();
            forEveryCrash(store, (found, count) -> {
                boolean opens = true;
                try {
                    openWith(found, 2).close();
                } catch (WrongKeyException e) {
                    opens = false;
                }
                assertTrue(opens || count >= 3, "gone before the commit");
                fixture.open(found).close();
                if (!opens || count == size) {
                    assertNotFound(found, slotImage);
                }
            });
        }

        private void assertNotFound(MemoryStore store, byte[] slotImage) {
            for (int area = 0; area < 2; area++) {
                byte[] slot = store.peek(MetadataLayout.keySlotAreaOffset(area) + 1024, 1024);
                assertTrue(!Arrays.equals(slotImage, slot), "still in area " + MetadataLayout.letter(area));
            }
        }

        private Volume openWith(MemoryStore store, int key) throws Exception {
            return fixture.opener().open(VolumeStores.inBand(store), List.of(fixture.key(key)), OpenOptions.DEFAULT);
        }
    }

    @Nested
    class WhileGrowing {
        @Test
        void leavesOldOrNewSize() throws Exception {
            MemoryStore store = fixture.create(20);
            try (Volume volume = fixture.open(store)) {
                fixture.write(volume, 0, 7);
                store.flush();
                store.startRecording();
                VolumeResizer.grow(volume, 100 * VolumeFixture.RANGE);
            }
            int size = store.operations().size();
            forEveryCrash(store, (found, count) -> {
                try (Volume volume = fixture.open(found)) {
                    long ranges = volume.shape().rangeCount();
                    assertTrue(ranges == 20 || ranges == 100, "found " + ranges);
                    assertTrue(count < size || ranges == 100);
                    assertEquals(7, fixture.read(volume, 0));
                    assertEquals(0, fixture.read(volume, ranges * 16 - 1));
                    assertEquals(Errno.OK, fixture.write(volume, ranges * 16 - 1, 9));
                    assertEquals(9, fixture.read(volume, ranges * 16 - 1));
                }
            });
        }
    }

    @Nested
    class WhileBeingCreated {
        @Test
        void leavesAWholeVolumeOrNone() throws Exception {
            MemoryStore store = new MemoryStore("vol", 0);
            store.startRecording();
            fixture.creator().create(VolumeStores.inBand(store), List.of(fixture.key(1)), VolumeFixture.ranges(4));
            int size = store.operations().size();
            forEveryCrash(store, (found, count) -> {
                try (Volume volume = fixture.open(found)) {
                    assertEquals(Errno.OK, fixture.write(volume, 0, 7));
                    assertEquals(7, fixture.read(volume, 0));
                } catch (MalformedVolumeException e) {
                    assertTrue(count < size, "created, yet not there");
                }
            });
        }

        @Test
        void leavesNothingOfAnOlderVolumeToOpen() throws Exception {
            MemoryStore store = fixture.create(4);
            fixture.creator()
                    .create(
                            VolumeStores.inBand(store),
                            List.of(fixture.key(2)),
                            VolumeFixture.ranges(4).forced(true));
            int firstFlush = 0;
            while (store.operations().get(firstFlush).kind() != Kind.FLUSH) {
                firstFlush++;
            }
            int forgotten = firstFlush + 1;
            forEveryCrash(store, (found, count) -> {
                if (count >= forgotten) {
                    assertThrows(Exception.class, () -> fixture.open(found));
                }
            });
        }
    }

    @Test
    void aRootThatIsNotDurableYetIsNotBuiltUpon() throws Exception {
        MemoryStore store = fixture.create(70);
        try (Volume volume = fixture.open(store)) {
            store.startRecording();
            VolumeFixture.allocate(volume, 0);
        }
        // The process dies before its second flush; what it wrote is in the system's memory, and a new one opens it.
        int rootWrite = 2;
        assertEquals(
                RootBlock.MAGIC,
                littleEndianLong(store.operations().get(rootWrite).data()));
        MemoryStore cached = store.afterPowerCut(rootWrite + 1, Unflushed.KEPT, 0, new Random(SEED));
        fixture.open(cached).close();
        Operation first = cached.operations().get(0);
        assertEquals(Kind.FLUSH, first.kind(), "what was read is made durable before anything is written");
    }

    private static long littleEndianLong(byte[] bytes) {
        long value = 0;
        for (int i = 7; i >= 0; i--) {
            value = value << 8 | Byte.toUnsignedLong(bytes[i]);
        }
        return value;
    }
}
