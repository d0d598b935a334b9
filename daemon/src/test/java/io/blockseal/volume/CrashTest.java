package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.MemoryStore.Operation;
import io.blockseal.store.MemoryStore.Unflushed;
import io.blockseal.volume.table.RangeWord;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * What an operator finds after damage beyond a power cut: roots that decayed, a system that shows what the disk has not
 * got, a store that failed. Power cuts themselves are tried one by one in the crash suite (docs/durability.md).
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
            store.flip(100);
            store.flip((1 << 20) + 100);
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
