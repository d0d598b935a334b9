package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.KeyLeaks;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.store.BlockStore;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume's ordinary life. */
class VolumeTest {
    private final VolumeFixture fixture = new VolumeFixture();

    @Nested
    class Fresh {
        @Test
        void readsAsZerosEverywhereWithoutAKey() throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = fixture.open(store)) {
                assertEquals(70, volume.shape().rangeCount());
                for (long range = 0; range < 70; range++) {
                    assertEquals(0, volume.word(range));
                }
            }
        }

        @Test
        void isNotWrittenToByBeingOpened() throws Exception {
            MemoryStore store = fixture.create(70);
            String before = store.fingerprint();
            fixture.open(store).close();
            assertEquals(before, store.fingerprint());
            assertTrue(store.isClosed());
        }
    }

    @Nested
    class Written {
        @Test
        void keepsItsDataOverReopening() throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = fixture.open(store)) {
                assertEquals(Errno.OK, fixture.write(volume, 3, 0x5a));
                assertEquals(Errno.OK, fixture.write(volume, 69 * 16 + 15, 0xa5));
            }
            try (Volume volume = fixture.open(store)) {
                assertEquals(0x5a, fixture.read(volume, 3));
                assertEquals(0xa5, fixture.read(volume, 69 * 16 + 15));
                assertEquals(0, fixture.read(volume, 4));
                assertEquals(0, fixture.read(volume, 40 * 16));
            }
        }

        @Test
        void givesTheWholePageItsKeysInOneCommit() throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = fixture.open(store)) {
                long before = volume.commitSeq();
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, 33));
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, 61));
                assertEquals(before + 1, volume.commitSeq());
                assertEquals(RangeWord.NONE, RangeWord.state(volume.word(30)));
                for (long range = 31; range < 62; range++) {
                    assertEquals(RangeWord.of(RangeWord.ACTIVE, range, 1), volume.word(range));
                }
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, 69));
                assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(62)));
            }
        }

        @Test
        void holdsDifferentKeysInEveryRange() throws Exception {
            MemoryStore store = fixture.create(4);
            try (Volume volume = fixture.open(store)) {
                VolumeFixture.allocate(volume, 0);
                try (DekCache one = volume.openCache();
                        DekCache two = volume.openCache()) {
                    int key = one.keyFor(0, volume.word(0));
                    assertTrue(fixture.engine().keys().same(key, two.keyFor(0, volume.word(0))));
                    assertFalse(fixture.engine().keys().same(key, two.keyFor(1, volume.word(1))));
                }
            }
        }

        @Test
        void zeroesASlotFirstWhenTheStorePromisesNothing() throws Exception {
            MemoryStore store = fixture.create(4).trimmedReadsZeros(false);
            store.poke(64 << 20, new byte[] {1, 2, 3});
            try (Volume volume = fixture.open(store)) {
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, 0));
                assertEquals(0, fixture.read(volume, 0));
                assertEquals(
                        RangeWord.NONE, RangeWord.state(volume.word(1)), "neighbours wait for their own first write");
            }
        }
    }

    @Nested
    class WithDetachedMetadata {
        @Test
        void leavesOnlyCiphertextOnTheDataStore() throws Exception {
            MemoryStore data = new MemoryStore("data", 0);
            MemoryStore meta = new MemoryStore("meta", 0);
            VolumeStores stores = new VolumeStores(data, meta);
            fixture.creator().create(stores, List.of(fixture.key(1)), VolumeFixture.ranges(5));
            assertEquals(0, data.allocatedBytes());
            try (Volume volume = fixture.opener().open(stores, List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
                assertEquals(0, volume.shape().dataOffsetBytes());
                fixture.write(volume, 1, 9);
                assertEquals(9, fixture.read(volume, 1));
            }
            try (Volume volume = fixture.opener().open(stores, List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
                assertEquals(9, fixture.read(volume, 1));
            }
            VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> fixture.open(meta));
            assertEquals(Reason.UNSUITABLE, e.reason());
        }

        @Test
        void doesNotTakeAnotherVolumeForItsData() throws Exception {
            MemoryStore meta = new MemoryStore("meta", 0);
            VolumeStores apart = new VolumeStores(new MemoryStore("data", 0), meta);
            fixture.creator().create(apart, List.of(fixture.key(1)), VolumeFixture.ranges(2));
            MemoryStore other = fixture.create(4);
            VolumeStores mixed = new VolumeStores(other, meta);
            VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> fixture.opener()
                    .open(mixed, List.of(fixture.key(1)), OpenOptions.DEFAULT));
            assertEquals(Reason.UNSUITABLE, e.reason());
            assertTrue(e.getMessage().contains("a volume with metadata of its own"), e.getMessage());
            fixture.open(other).close();
        }

        @Test
        void forgetsTheVolumeThatWasOnTheDataStore() throws Exception {
            // One that cannot be zeroed at once keeps what was there.
            MemoryStore data = fixture.create(4).fastZero(false);
            VolumeStores stores = new VolumeStores(data, new MemoryStore("meta", 0));
            fixture.creator()
                    .create(
                            stores,
                            List.of(fixture.key(1)),
                            VolumeFixture.ranges(2).forced(true));
            assertThrows(MalformedVolumeException.class, () -> fixture.open(data));
            fixture.opener()
                    .open(stores, List.of(fixture.key(1)), OpenOptions.DEFAULT)
                    .close();
        }
    }

    @Nested
    class WithTheWrongKey {
        @Test
        void isRefusedAndUnchanged() throws Exception {
            MemoryStore store = fixture.create(4);
            String before = store.fingerprint();
            assertThrows(WrongKeyException.class, () -> fixture.opener()
                    .open(VolumeStores.inBand(store), List.of(fixture.key(2)), OpenOptions.DEFAULT));
            assertEquals(before, store.fingerprint());
        }

        @Test
        void asksEachSlotOnce() throws Exception {
            MemoryStore store = fixture.create(4);
            TestKeySource wrong = fixture.key(2);
            assertThrows(WrongKeyException.class, () -> fixture.opener()
                    .open(VolumeStores.inBand(store), List.of(wrong), OpenOptions.DEFAULT));
            assertEquals(1, wrong.unwraps());
        }

        @Test
        void saysThatASourceWasNotReachedRatherThanWrong() throws Exception {
            MemoryStore store = fixture.create(4);
            KeySourceException e = assertThrows(KeySourceException.class, () -> fixture.opener()
                    .open(
                            VolumeStores.inBand(store),
                            List.of(fixture.key(2), fixture.key(1).unreachable()),
                            OpenOptions.DEFAULT));
            assertEquals(KeySourceException.Kind.UNREACHABLE, e.kind());
        }

        /** A service may answer well, and with the wrong bytes: another's answer, or a bit that fell over. */
        @Test
        void believesNoBytesThatTheRootDoesNotVerifyUnder() throws Exception {
            VersionedTestKeySource vault = new VersionedTestKeySource(fixture.engine(), 100);
            MemoryStore store = new MemoryStore("vol", 0);
            fixture.creator().create(VolumeStores.inBand(store), List.of(vault), VolumeFixture.ranges(4));
            String before = store.fingerprint();
            vault.unwrapping(VersionedTestKeySource.Manner.WRONG_BYTES);
            MalformedVolumeException refused = assertThrows(MalformedVolumeException.class, () -> fixture.opener()
                    .open(VolumeStores.inBand(store), List.of(vault), OpenOptions.DEFAULT));
            assertTrue(String.valueOf(refused.getMessage()).contains("another volume's key"), refused::getMessage);
            assertEquals(before, store.fingerprint());
            vault.unwrapping(VersionedTestKeySource.Manner.HONEST);
            fixture.opener()
                    .open(VolumeStores.inBand(store), List.of(vault), OpenOptions.DEFAULT)
                    .close();
        }

        @Test
        void theRecoveryKeyOpensItWhenAllOthersAreDestroyedAndIsAskedOnlyThen() throws Exception {
            MemoryStore store = new MemoryStore("vol", 0);
            TestKeySource recovery = new TestKeySource(fixture.engine(), 9, 0);
            fixture.creator()
                    .create(
                            VolumeStores.inBand(store),
                            List.of(recovery, fixture.key(1), fixture.key(2)),
                            VolumeFixture.ranges(4));
            TestKeySource first = fixture.key(1);
            try (Volume volume =
                    fixture.opener().open(VolumeStores.inBand(store), List.of(first), OpenOptions.DEFAULT)) {
                assertEquals(1, first.unwraps(), "the recovery slot, number 0, was shown to another key");
                assertEquals(Errno.OK, fixture.write(volume, 3, 0x5a));
                volume.keySlots().remove(1, false);
                volume.keySlots().remove(2, false);
            }
            assertEquals(1, recovery.unwraps(), "only when it was made");
            assertThrows(WrongKeyException.class, () -> fixture.open(store));
            try (Volume volume =
                    fixture.opener().open(VolumeStores.inBand(store), List.of(recovery), OpenOptions.DEFAULT)) {
                assertEquals(0x5a, fixture.read(volume, 3));
            }
            assertEquals(2, recovery.unwraps());
        }

        @Test
        void neverTriesTheRecoverySlotUnasked() throws Exception {
            MemoryStore store = new MemoryStore("vol", 0);
            TestKeySource recovery = new TestKeySource(fixture.engine(), 9, 0);
            fixture.creator()
                    .create(VolumeStores.inBand(store), List.of(fixture.key(1), recovery), VolumeFixture.ranges(4));
            TestKeySource wrong = fixture.key(2);
            assertThrows(WrongKeyException.class, () -> fixture.opener()
                    .open(VolumeStores.inBand(store), List.of(wrong), OpenOptions.DEFAULT));
            assertEquals(1, wrong.unwraps());
            fixture.opener()
                    .open(VolumeStores.inBand(store), List.of(recovery), OpenOptions.DEFAULT)
                    .close();
        }
    }

    @Nested
    class OfAnotherIdentity {
        @Test
        void isRefusedByThePin(@TempDir Path directory) throws Exception {
            MemoryStore store = fixture.create(4);
            HostMemory pins = HostMemory.in(directory.resolve("pins"));
            VolumeOpener opener = fixture.opener(pins);
            String identity;
            try (Volume volume =
                    opener.open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
                identity = volume.identity();
            }
            opener.open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT.expecting(identity))
                    .close();
            try (var files = Files.list(directory.resolve("pins"))) {
                Path pin = files.filter(file -> file.toString().endsWith(".identity"))
                        .findFirst()
                        .orElseThrow();
                Files.writeString(pin, "00112233445566778899aabbccddeeff\n");
            }
            String before = store.fingerprint();
            VolumeRefusedException e = assertThrows(
                    VolumeRefusedException.class,
                    () -> opener.open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT));
            assertEquals(Reason.IDENTITY, e.reason());
            assertEquals(before, store.fingerprint());
        }

        @Test
        void isRefusedByTheConfiguration() throws Exception {
            MemoryStore store = fixture.create(4);
            VolumeRefusedException e = assertThrows(
                    VolumeRefusedException.class,
                    () -> fixture.open(store, OpenOptions.DEFAULT.expecting("00112233445566778899aabbccddeeff")));
            assertEquals(Reason.IDENTITY, e.reason());
        }
    }

    @Nested
    class OpenForReading {
        @Test
        void givesNoKeysAndChangesNothing() throws Exception {
            MemoryStore store = fixture.create(4);
            String before = store.fingerprint();
            try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.forReading())) {
                assertEquals(Errno.EPERM, VolumeFixture.allocate(volume, 0));
            }
            assertEquals(before, store.fingerprint());
        }
    }

    /** Keys that stay in memory because the storage has a fault of its own would be the worst of both. */
    @Nested
    class OnAStoreThatBreaksAtTheEnd {
        private static final int KEYS = 40;

        private final CryptoEngine engine = new JavaCryptoEngine(KEYS, new KernelRandom());
        private final VolumeFixture few = new VolumeFixture(engine, new JvmMemorySource());

        private boolean broken;

        private BlockStore breaking(MemoryStore store) {
            return (BlockStore) Proxy.newProxyInstance(
                    BlockStore.class.getClassLoader(),
                    new Class<?>[] {BlockStore.class},
                    (proxy, method, arguments) -> {
                        if (broken && method.getName().equals("read")) {
                            throw new IllegalStateException("the library of the storage has a fault");
                        }
                        try {
                            return method.invoke(store, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        @Test
        void wipesItsKeysAndClosesTheStoreAllTheSame() throws Exception {
            MemoryStore store = few.create(4);
            Volume volume =
                    few.opener().open(VolumeStores.inBand(breaking(store)), List.of(few.key(1)), OpenOptions.DEFAULT);
            broken = true;
            assertThrows(IllegalStateException.class, volume::close);
            assertTrue(store.isClosed());
            KeyLeaks.requireNone(engine.keys(), KEYS);
            volume.close();
        }
    }

    @Nested
    class OnAFullStore {
        @Test
        void refusesTheNewRangeAndStaysHealthy() throws Exception {
            MemoryStore store = fixture.create(70);
            try (Volume volume = fixture.open(store)) {
                fixture.write(volume, 0, 1);
                int[] left = {1};
                store.failWhen(operation -> operation.kind() == MemoryStore.Kind.WRITE && left[0]-- > 0, Errno.ENOSPC);
                assertEquals(Errno.ENOSPC, VolumeFixture.allocate(volume, 40));
                assertEquals(Volume.State.OPEN, volume.state());
                assertEquals(Errno.OK, fixture.write(volume, 40 * 16, 2));
                assertEquals(1, fixture.read(volume, 0));
            }
            try (Volume volume = fixture.open(store)) {
                assertEquals(2, fixture.read(volume, 40 * 16));
            }
        }
    }
}
