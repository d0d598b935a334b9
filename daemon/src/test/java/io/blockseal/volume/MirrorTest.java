package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.MemoryStore.Unflushed;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The metadata once more, on a store of its own: what happens to either store, and what is taken for a mirror. */
class MirrorTest {
    private static final long SEED = 20_261_125;
    private static final int UNITS = 16;
    private static final int MIRROR_BYTES = 64 << 20;

    private final VolumeFixture fixture = new VolumeFixture();
    private MemoryStore store = new MemoryStore("none", 0);
    private MemoryStore mirror = new MemoryStore("none", 0);

    @BeforeEach
    void create() throws Exception {
        store = fixture.create(70);
        mirror = new MemoryStore("mirror", 0);
        try (Volume volume = open(store, mirror)) {
            fixture.write(volume, 0, 1);
            fixture.write(volume, 40 * UNITS, 2);
            assertEquals(Volume.Mirror.UP, volume.mirror());
        }
        requireEqual(store, mirror, "made and filled");
    }

    private Volume open(MemoryStore on, MemoryStore mirrored) throws Exception {
        return fixture.opener()
                .open(VolumeStores.inBand(on).mirroredOn(mirrored), List.of(fixture.key(1)), OpenOptions.DEFAULT);
    }

    /** Offsets of all blocks of metadata that are in use. */
    private static List<Long> blocks() {
        List<Long> all = new ArrayList<>();
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            all.add(MetadataLayout.rootOffset(copy));
            for (int at = 0; at < KeySlotArea.AREA_BYTES; at += MetadataLayout.BLOCK_BYTES) {
                all.add(MetadataLayout.keySlotAreaOffset(copy) + at);
            }
            for (int page = 0; page < 2; page++) {
                all.add(MetadataLayout.pageOffsetInExtent(page, copy));
            }
        }
        return all;
    }

    private static void requireEqual(MemoryStore one, MemoryStore two, String when) {
        for (long block : blocks()) {
            assertTrue(
                    Arrays.equals(one.peek(block, 4096), two.peek(block, 4096)),
                    when + ": block at " + block + " differs");
        }
    }

    private void opensAndHeals(MemoryStore damaged, MemoryStore mirrored, String what) throws Exception {
        String good = store.fingerprint();
        try (Volume volume = open(damaged, mirrored)) {
            assertEquals(1, fixture.read(volume, 0), what);
            assertEquals(2, fixture.read(volume, 40 * UNITS), what);
            assertEquals(0, fixture.read(volume, 41 * UNITS), what);
        }
        requireEqual(damaged, mirrored, what);
        assertEquals(good, store.fingerprint());
    }

    @Nested
    class WithOneBlockDamaged {
        @Test
        void opensAndHealsItWhereverItIs() throws Exception {
            byte[] junk = new byte[4096];
            new Random(SEED).nextBytes(junk);
            for (long block : blocks()) {
                MemoryStore damaged = store.copy();
                damaged.poke(block, junk);
                opensAndHeals(damaged, mirror.copy(), "volume's block at " + block);
                MemoryStore damagedMirror = mirror.copy();
                damagedMirror.poke(block, junk);
                opensAndHeals(store.copy(), damagedMirror, "mirror's block at " + block);
            }
        }

        @Test
        void opensWithDamageOnBothInDifferentPlaces() throws Exception {
            MemoryStore damaged = store.copy();
            MemoryStore damagedMirror = mirror.copy();
            for (int copy = 0; copy < 2; copy++) {
                damaged.poke(MetadataLayout.rootOffset(copy), new byte[4096]);
                damaged.poke(MetadataLayout.pageOffsetInExtent(0, copy), new byte[] {9, 9, 9});
                damagedMirror.poke(MetadataLayout.pageOffsetInExtent(1, copy), new byte[] {9, 9, 9});
            }
            opensAndHeals(damaged, damagedMirror, "both");
        }
    }

    @Test
    void bringsBackAllOfTheOtherOne() throws Exception {
        MemoryStore wiped = store.copy();
        wiped.zero(0, MetadataLayout.EXTENT_BYTES);
        wiped.startRecording();
        opensAndHeals(wiped, mirror.copy(), "the volume's metadata is gone");
        MemoryStore wipedMirror = mirror.copy();
        wipedMirror.zero(0, MetadataLayout.EXTENT_BYTES);
        opensAndHeals(store.copy(), wipedMirror, "the mirror is gone");
    }

    @Test
    void thatLagsNeverWinsAndKeepsNoRemovedKey() throws Exception {
        try (Volume volume = open(store, mirror)) {
            volume.keySlots().add(List.of(fixture.key(1)), fixture.key(2), "two");
        }
        byte[] slots = mirror.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES);
        try (Volume volume = fixture.open(store)) {
            volume.keySlots().remove(1, false);
            VolumeShredder.shred(volume, 40, 1);
        }
        try (Volume volume = open(store, mirror)) {
            assertEquals(0, fixture.read(volume, 40 * UNITS), "shredded");
            assertEquals(1, volume.keySlots().list().size());
        }
        requireEqual(store, mirror, "brought up to date");
        for (int copy = 0; copy < 2; copy++) {
            byte[] now = mirror.peek(MetadataLayout.keySlotAreaOffset(copy), KeySlotArea.AREA_BYTES);
            assertTrue(!Arrays.equals(slots, now), "the removed slot is still on the mirror");
        }
    }

    @Nested
    class ThatFailsWhileServing {
        @Test
        void costsTheGuestNothingAndIsMadeWholeAtTheNextOpening() throws Exception {
            for (Kind kind : new Kind[] {Kind.WRITE, Kind.FLUSH}) {
                for (Errno errno : new Errno[] {Errno.EIO, Errno.ENOSPC}) {
                    MemoryStore mine = store.copy();
                    MemoryStore failing = mirror.copy();
                    try (Volume volume = open(mine, failing)) {
                        failing.failWhen(operation -> operation.kind() == kind, errno);
                        assertEquals(Errno.OK, fixture.write(volume, 69 * UNITS, 3));
                        assertEquals(Volume.State.OPEN, volume.state());
                        assertEquals(Volume.Mirror.DOWN, volume.mirror());
                        failing.failWhen(null, errno);
                    }
                    opensAndHeals(mine, failing, kind + " " + errno);
                    try (Volume volume = open(mine, failing)) {
                        assertEquals(3, fixture.read(volume, 69 * UNITS));
                        assertEquals(Volume.Mirror.UP, volume.mirror());
                    }
                }
            }
        }

        @Test
        void andAVolumeThatFailsIsStillFailStop() throws Exception {
            try (Volume volume = open(store, mirror)) {
                store.failWhen(operation -> operation.kind() == Kind.WRITE, Errno.EIO);
                assertEquals(Errno.EIO, VolumeFixture.allocate(volume, 69));
                assertEquals(Volume.State.METADATA_FAILED, volume.state());
                store.failWhen(null, Errno.EIO);
            }
        }
    }

    @Nested
    class ThatIsNone {
        private void refused(MemoryStore other) {
            String before = store.fingerprint();
            String otherBefore = other.fingerprint();
            VolumeRefusedException refusal = assertThrows(
                    VolumeRefusedException.class, () -> open(store, other).close());
            assertEquals(Reason.UNSUITABLE, refusal.reason());
            assertEquals(before, store.fingerprint());
            assertEquals(otherBefore, other.fingerprint(), "somebody's file was written to");
        }

        @Test
        void isRefusedAndLeftAlone() throws Exception {
            for (int size : new int[] {1 << 20, MIRROR_BYTES, MIRROR_BYTES + (1 << 20)}) {
                MemoryStore file = new MemoryStore("somebody's", size);
                byte[] content = new byte[1 << 20];
                new Random(SEED).nextBytes(content);
                file.poke(0, content);
                refused(file);
            }
            MemoryStore few = new MemoryStore("somebody's", MIRROR_BYTES);
            few.poke(70_000, (byte) 1);
            refused(few);
        }

        @Test
        void isRefusedIfItIsAnotherVolumesAlsoWithItsRootsDamaged() throws Exception {
            MemoryStore other = fixture.create(70);
            MemoryStore otherMirror = new MemoryStore("other", 0);
            open(other, otherMirror).close();
            refused(otherMirror);
            for (int copy = 0; copy < 2; copy++) {
                otherMirror.poke(MetadataLayout.rootOffset(copy) + 2000, new byte[] {1, 2, 3});
            }
            refused(otherMirror);
        }
    }

    /** The first filling is cut short: the next opening finishes it. */
    @Test
    void thatWasBegunIsFinished() throws Exception {
        MemoryStore fresh = new MemoryStore("mirror", 0);
        fresh.startRecording();
        open(store.copy(), fresh).close();
        int size = fresh.operations().size();
        assertTrue(size > 4, "it was filled");
        Random random = new Random(SEED);
        for (int count = 0; count <= size; count++) {
            boolean write = count < size && fresh.operations().get(count).kind() == Kind.WRITE;
            for (Unflushed unflushed : Unflushed.values()) {
                for (int torn = 0; torn < (write ? 4096 : 512); torn += 512) {
                    MemoryStore found = fresh.afterPowerCut(count, unflushed, torn, random);
                    opensAndHeals(store.copy(), found, "cut after " + count + ", " + unflushed + ", torn " + torn);
                }
            }
        }
    }
}
