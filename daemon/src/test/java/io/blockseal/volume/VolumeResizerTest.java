package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class VolumeResizerTest {
    private final VolumeFixture fixture = new VolumeFixture();

    @Test
    void keepsDataAndAddsZeros() throws Exception {
        MemoryStore store = fixture.create(20);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 19 * 16, 7);
            VolumeResizer.grow(volume, 50 * VolumeFixture.RANGE);
        }
        try (Volume volume = fixture.open(store)) {
            assertEquals(50, volume.shape().rangeCount());
            assertEquals(7, fixture.read(volume, 19 * 16));
            assertEquals(0, fixture.read(volume, 49 * 16));
            fixture.write(volume, 49 * 16, 8);
            assertEquals(8, fixture.read(volume, 49 * 16));
        }
    }

    @Test
    void neverShrinks() throws Exception {
        MemoryStore store = fixture.create(20);
        try (Volume volume = fixture.open(store)) {
            assertThrows(VolumeRefusedException.class, () -> VolumeResizer.grow(volume, 19 * VolumeFixture.RANGE));
            assertThrows(
                    VolumeRefusedException.class, () -> VolumeResizer.grow(volume, 20 * VolumeFixture.RANGE + 100));
        }
    }

    /** Planned before it was its turn, the smaller growth would take back the larger one. */
    @Test
    void plansWhenItIsItsTurn() throws Exception {
        ConcurrentLinkedQueue<Runnable> keeper = new ConcurrentLinkedQueue<>();
        MemoryStore store = fixture.create(20);
        VolumeOpener opener =
                new VolumeOpener(fixture.engine(), HostMemory.none(), keeper::add, () -> Instant.ofEpochSecond(1));
        try (Volume volume = opener.open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
            CompletableFuture<Boolean> larger = grown(volume, 100);
            while (keeper.isEmpty()) {
                Thread.onSpinWait();
            }
            AtomicReference<Thread> second = new AtomicReference<>();
            CompletableFuture<Boolean> smaller = CompletableFuture.supplyAsync(() -> {
                second.set(Thread.currentThread());
                return growTo(volume, 50);
            });
            while (second.get() == null || second.get().getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            keeper.remove().run();
            assertTrue(larger.get(), "the first is carried out");
            assertFalse(smaller.get(), "the second would shrink the volume by now");
        }
        try (Volume volume = fixture.open(store)) {
            assertEquals(100, volume.shape().rangeCount());
        }
    }

    private static CompletableFuture<Boolean> grown(Volume volume, long ranges) {
        return CompletableFuture.supplyAsync(() -> growTo(volume, ranges));
    }

    private static boolean growTo(Volume volume, long ranges) {
        try {
            VolumeResizer.grow(volume, ranges * VolumeFixture.RANGE);
            return true;
        } catch (VolumeRefusedException e) {
            return false;
        } catch (StoreException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void hidesWhatLayBehindTheVolumeOnALargerDevice() throws Exception {
        MemoryStore store = new MemoryStore("device", (64 << 20) + 100 * VolumeFixture.RANGE);
        fixture.creator().create(VolumeStores.inBand(store), List.of(fixture.key(1)), VolumeFixture.ranges(20));
        store.poke((64 << 20) + 40 * VolumeFixture.RANGE, new byte[] {1, 2, 3});
        try (Volume volume = fixture.open(store)) {
            VolumeResizer.grow(volume, 50 * VolumeFixture.RANGE);
        }
        try (Volume volume = fixture.open(store)) {
            VolumeFixture.allocate(volume, 40);
            assertEquals(0, fixture.read(volume, 40 * 16));
        }
    }

    @Test
    void takesAMetadataExtentFromTheNewSlotsWhenTheTableIsFull() throws Exception {
        long ranges = 246_016;
        MemoryStore store = fixture.create(ranges);
        try (Volume volume = fixture.open(store)) {
            assertEquals(64 << 20, volume.shape().dataOffsetBytes());
            fixture.write(volume, (ranges - 1) * 16, 7);
            VolumeResizer.grow(volume, (ranges + 200) * VolumeFixture.RANGE);
        }
        assertEquals(2, VolumeInfo.read(store).metadataExtents());
        for (int round = 0; round < 2; round++) {
            try (Volume volume = fixture.open(store)) {
                assertEquals(7, fixture.read(volume, (ranges - 1) * 16));
                // The extent took the slots that these ranges would have had: they get others.
                for (long range = ranges + 198; range < ranges + 200; range++) {
                    fixture.write(volume, range * 16, 8);
                    assertTrue(RangeWord.slot(volume.word(range)) != range);
                    assertEquals(8, fixture.read(volume, range * 16));
                }
            }
        }
        assertEquals(
                List.of(),
                VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), List.of(fixture.key(1)))
                        .findings());
    }

    @Test
    void growsDetachedMetadataInItsOwnStore() throws Exception {
        long ranges = 246_016;
        VolumeStores stores = new VolumeStores(new MemoryStore("data", 0), new MemoryStore("meta", 0));
        fixture.creator().create(stores, List.of(fixture.key(1)), VolumeFixture.ranges(ranges));
        try (Volume volume = fixture.opener().open(stores, List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
            VolumeResizer.grow(volume, (ranges + 1) * VolumeFixture.RANGE);
        }
        try (Volume volume = fixture.opener().open(stores, List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
            fixture.write(volume, ranges * 16, 8);
            assertEquals(ranges, RangeWord.slot(volume.word(ranges)));
        }
        assertEquals(128 << 20, stores.metadata().sizeBytes());
    }
}
