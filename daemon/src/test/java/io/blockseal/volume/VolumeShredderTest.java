package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.block.Errno;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.table.RangeWord;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class VolumeShredderTest {
    private static final int UNITS_PER_RANGE = (int) (VolumeFixture.RANGE / VolumeFixture.UNIT);

    private final VolumeFixture fixture = new VolumeFixture();

    @Test
    void leavesZerosAndNoDekAndKeepsTheGeneration() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, UNITS_PER_RANGE, 7);
            assertEquals(1, VolumeShredder.shred(volume, 1, 1));
            assertEquals(0, fixture.read(volume, UNITS_PER_RANGE));
        }
        try (Volume volume = fixture.open(store)) {
            assertEquals(RangeWord.of(RangeWord.SHREDDED, 0, 1), volume.word(1));
            TableEntry entry = Objects.requireNonNull(volume.table().page(0)).entry(1);
            assertArrayEquals(new byte[TableEntry.WRAPPED_DEK_BYTES], entry.wrappedDek());
            assertEquals(0, entry.suite());
        }
    }

    @Test
    void leavesOtherRangesAlone() throws Exception {
        MemoryStore store = fixture.create(70);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 5);
            fixture.write(volume, TablePage.ENTRIES * UNITS_PER_RANGE, 6);
            VolumeShredder.shred(volume, 1, TablePage.ENTRIES - 1);
            assertEquals(5, fixture.read(volume, 0));
            assertEquals(6, fixture.read(volume, TablePage.ENTRIES * UNITS_PER_RANGE));
        }
    }

    @Test
    void givesTheRangeANewGenerationWhenItIsWrittenAgain() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 7);
            VolumeShredder.shred(volume, 0, 1);
            assertEquals(Errno.OK, fixture.write(volume, 1, 8));
            assertEquals(RangeWord.of(RangeWord.ACTIVE, 0, 2), volume.word(0));
            assertEquals(0, fixture.read(volume, 0));
            assertEquals(8, fixture.read(volume, 1));
        }
    }

    /** A guest that goes on writing would be told that the volume is full, which it is not; what it writes has to stay. */
    @Test
    void leavesRoomForAllThatGuestsWriteWhileSpaceIsGivenBack() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            for (int range = 0; range < 4; range++) {
                fixture.write(volume, (long) range * UNITS_PER_RANGE, 7);
            }
            List<Errno> answers = new ArrayList<>();
            boolean[] asked = new boolean[1];
            store.failWhen(
                    operation -> {
                        if (operation.kind() == Kind.ZERO && !asked[0]) {
                            asked[0] = true;
                            for (int range = 0; range < 4; range++) {
                                answers.add(written(volume, (long) range * UNITS_PER_RANGE + 1, 10 + range));
                            }
                        }
                        return false;
                    },
                    Errno.EIO);
            assertEquals(4, VolumeShredder.shred(volume, 0, 4));
            assertEquals(Collections.nCopies(4, Errno.OK), answers);
            for (int range = 0; range < 4; range++) {
                assertEquals(0, fixture.read(volume, (long) range * UNITS_PER_RANGE));
                assertEquals(10 + range, fixture.read(volume, (long) range * UNITS_PER_RANGE + 1));
            }
            assertEquals(2, volume.freeSlots());
        }
    }

    private Errno written(Volume volume, long unit, int fill) {
        try {
            return fixture.write(volume, unit, fill);
        } catch (StoreException e) {
            return e.errno();
        }
    }

    @Test
    void hasNothingToDoWhereThereIsNoDek() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            String before = store.fingerprint();
            assertEquals(0, VolumeShredder.shred(volume, 0, 4));
            assertEquals(before, store.fingerprint());
        }
    }

    @Test
    void refusesRangesThatDoNotExist() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 7);
            for (long[] stretch : new long[][] {{-1, 1}, {0, 5}, {4, 1}, {0, 0}, {1, Long.MAX_VALUE}}) {
                VolumeRefusedException e = assertThrows(
                        VolumeRefusedException.class, () -> VolumeShredder.shred(volume, stretch[0], stretch[1]));
                assertEquals(Reason.UNSUITABLE, e.reason());
            }
            assertEquals(7, fixture.read(volume, 0));
        }
    }

    @Test
    void refusesAVolumeThatIsOpenForReading() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store, OpenOptions.DEFAULT.forReading())) {
            VolumeRefusedException e =
                    assertThrows(VolumeRefusedException.class, () -> VolumeShredder.shred(volume, 0, 1));
            assertEquals(Reason.NOT_WRITABLE, e.reason());
        }
    }

    @Test
    void saysWhenOldCopiesMayBeLeft() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 7);
            int[] flushes = {0};
            // Pages, root, and then that of the second copies.
            store.failWhen(operation -> operation.kind() == Kind.FLUSH && flushes[0]++ == 2, Errno.EIO);
            assertThrows(StoreException.class, () -> VolumeShredder.shred(volume, 0, 1));
            store.failWhen(null, Errno.EIO);
            assertEquals(0, fixture.read(volume, 0));
        }
        try (Volume volume = fixture.open(store)) {
            assertEquals(RangeWord.SHREDDED, RangeWord.state(volume.word(0)));
        }
    }
}
