package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.MemoryStore.Unflushed;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KeySlotsTest {
    private final VolumeFixture fixture = new VolumeFixture();

    private Volume openWith(MemoryStore store, int key) throws Exception {
        return fixture.opener().open(VolumeStores.inBand(store), List.of(fixture.key(key)), OpenOptions.DEFAULT);
    }

    @Test
    void openTheVolumeByAnyOfTheirKeys() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 7);
            assertEquals(1, volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "ops"));
        }
        try (Volume volume = openWith(store, 2)) {
            assertEquals(7, fixture.read(volume, 0));
            List<KeySlotInfo> slots = volume.keySlots().list();
            assertEquals(
                    List.of("file", "ops"),
                    slots.stream().map(KeySlotInfo::label).toList());
            assertEquals("test:2", slots.get(1).reference());
        }
    }

    /** With one copy alone a single bad block, which loses nothing otherwise, would take all of the volume. */
    @Test
    void areWholeInBothCopiesAfterAChangeThatFailed() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            int[] flushes = {0};
            store.failWhen(operation -> operation.kind() == Kind.FLUSH && flushes[0]++ == 0, Errno.EIO);
            assertThrows(
                    StoreException.class, () -> volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "lost"));
            store.failWhen(null, Errno.EIO);
            assertEquals(Volume.State.OPEN, volume.state());
            assertArrayEquals(area(store, 0), area(store, 1));
            // Neither does the process depend on being closed in order.
            MemoryStore found = store.afterPowerCut(store.operations().size(), Unflushed.LOST, 0, new Random(1));
            assertArrayEquals(area(found, 0), area(found, 1));
        }
    }

    /** The copy is as it was torn until the storage is well again; then it is mended, before anything is built on it. */
    @Test
    void areMadeWholeLaterIfTheyCannotBePutBackAtOnce() throws Exception {
        ArrayDeque<Runnable> later = new ArrayDeque<>();
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.opener((delayMillis, task) -> later.add(task))
                .open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT)) {
            store.failWhen(operation -> operation.kind() == Kind.FLUSH, Errno.EIO);
            assertThrows(
                    StoreException.class, () -> volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "lost"));
            assertEquals(Volume.State.METADATA_FAILED, volume.state());
            store.failWhen(null, Errno.EIO);
            later.remove().run();
            assertEquals(Volume.State.OPEN, volume.state());
            assertArrayEquals(area(store, 0), area(store, 1));
        }
    }

    private static byte[] area(MemoryStore store, int letter) {
        return store.peek(MetadataLayout.keySlotAreaOffset(letter), KeySlotArea.AREA_BYTES);
    }

    @Test
    void losesTheKeyThatIsRemoved() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "");
            volume.keySlots().remove(0, false);
        }
        assertThrows(WrongKeyException.class, () -> fixture.open(store));
        openWith(store, 2).close();
    }

    @Test
    void wrapAnewKeepsNumberAndLabelAndShutsTheOldKeyOut() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 7);
            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "ops");
            volume.keySlots().rewrap(1, List.of(fixture.key(2)), fixture.key(3));
            KeySlotInfo slot = volume.keySlots().list().get(1);
            assertEquals("ops", slot.label());
            assertEquals("test:3", slot.reference());
        }
        assertThrows(WrongKeyException.class, () -> openWith(store, 2));
        fixture.open(store).close();
        try (Volume volume = openWith(store, 3)) {
            assertEquals(7, fixture.read(volume, 0));
        }
    }

    @Test
    void refusesToWrapAFreeSlotAnew() throws Exception {
        MemoryStore store = fixture.create(4);
        String before = store.fingerprint();
        try (Volume volume = fixture.open(store)) {
            for (int slot : new int[] {-2, 1, 16}) {
                VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> volume.keySlots()
                        .rewrap(slot, List.of(fixture.key(1)), fixture.key(2)));
                assertEquals(Reason.UNSUITABLE, e.reason());
            }
        }
        assertEquals(before, store.fingerprint());
    }

    @Test
    void refusesToWrapAnewWithAKeyThatOpensNothing() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            assertThrows(WrongKeyException.class, () -> volume.keySlots()
                    .rewrap(0, List.of(fixture.key(2)), fixture.key(3)));
        }
        fixture.open(store).close();
    }

    @Test
    void staysRemovedOnceTheNewRootIsThere() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "");
            store.startRecording();
            volume.keySlots().remove(0, false);
        }
        Random random = new Random(1);
        long before = newestRoot(store.afterPowerCut(0, Unflushed.KEPT, 0, random));
        int refusals = 0;
        for (int count = 0; count <= store.operations().size(); count++) {
            MemoryStore found = store.afterPowerCut(count, Unflushed.KEPT, 0, random);
            if (newestRoot(found) == before) {
                fixture.open(found).close();
            } else {
                refusals++;
                String untouched = found.fingerprint();
                assertThrows(WrongKeyException.class, () -> fixture.open(found).close(), "after " + count);
                assertEquals(untouched, found.fingerprint(), "after " + count);
                try (Volume volume = openWith(found, 2)) {
                    assertEquals(1, volume.keySlots().list().size());
                }
            }
        }
        assertTrue(refusals >= 4, "root, flush, mirror, old area: " + refusals);
    }

    private static long newestRoot(MemoryStore store) throws Exception {
        long newest = 0;
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            byte[] image = store.peek(MetadataLayout.rootOffset(copy), MetadataLayout.BLOCK_BYTES);
            newest = Math.max(newest, RootBlock.decode(image, "root").commitSeq());
        }
        return newest;
    }

    @Test
    void neverLosesTheLastOneUnforced() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            VolumeRefusedException e = assertThrows(
                    VolumeRefusedException.class, () -> volume.keySlots().remove(0, false));
            assertEquals(Reason.LAST_KEY_SLOT, e.reason());
            volume.keySlots().remove(0, true);
        }
        assertThrows(WrongKeyException.class, () -> fixture.open(store));
    }

    @Test
    void areAddedOnlyByWhoCanOpenTheVolume() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            String before = store.fingerprint();
            assertThrows(
                    WrongKeyException.class, () -> volume.keySlots().add(List.of(fixture.key(3)), fixture.key(2), ""));
            assertEquals(before, store.fingerprint());
        }
    }

    @Test
    void areSixteenAtMost() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            for (int i = 1; i < 16; i++) {
                assertEquals(i, volume.keySlots().add(List.of(fixture.key(1)), fixture.key(i + 1), ""));
            }
            VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> volume.keySlots()
                    .add(List.of(fixture.key(1)), fixture.key(99), ""));
            assertEquals(Reason.UNSUITABLE, e.reason());
        }
        openWith(store, 16).close();
    }

    @Test
    void refuseALabelThatDoesNotFit() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            String before = store.fingerprint();
            VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> volume.keySlots()
                    .add(List.of(fixture.key(1)), fixture.key(2), "x".repeat(33)));
            assertEquals(Reason.UNSUITABLE, e.reason());
            assertEquals(before, store.fingerprint());
        }
    }

    @Test
    void areShownWithoutAKey() throws Exception {
        MemoryStore store = fixture.create(4);
        VolumeInfo info = VolumeInfo.read(store);
        assertEquals(4 * VolumeFixture.RANGE, info.sizeBytes());
        assertEquals("test:1", info.keySlots().get(0).reference());
        assertEquals(List.of(), info.complaints());
    }
}
