package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.volume.table.RangeWord;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** What clients are told about holes and zeros; a wrong "zero" makes a copying client lose data. */
class BlockStatusTest {
    private static final int UNIT = 4096;
    private static final int HOLE = ExtentList.HOLE | ExtentList.ZERO;

    private static String shape(ExtentList list) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < list.count(); i++) {
            assertTrue(list.lengthBytes(i) > 0);
            text.append(list.lengthBytes(i)).append(list.state(i) == 0 ? "d " : list.state(i) == HOLE ? "h " : "z ");
        }
        return text.toString().trim();
    }

    @Test
    void aFreshVolumeIsOneHoleWithoutAskingTheStore() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Rig.SIZE + "h", shape(rig.status(0, 0, Rig.SIZE, 8)));
            assertEquals("100h", shape(rig.status(0, 77, 100, 8)));
            assertEquals(0, rig.store.callsInAll());
        }
    }

    @Test
    void writtenUnitsAreDataAndTheOthersOfTheirRangeHoles() {
        try (Rig rig = Rig.plan().build()) {
            rig.plane.setState(5, RangeWord.LOST);
            assertEquals(Errno.OK, rig.write(UNIT, Rig.noise(1, 2 * UNIT)));
            assertEquals(Errno.OK, rig.write(Rig.RANGE - UNIT, Rig.noise(2, 2 * UNIT)));
            String expected = UNIT + "h " + 2 * UNIT + "d " + (Rig.RANGE - 4 * UNIT) + "h " + 2 * UNIT + "d "
                    + (4 * Rig.RANGE - UNIT) + "h " + Rig.RANGE + "d " + (Rig.SIZE - 6 * Rig.RANGE) + "h";
            assertEquals(expected, shape(rig.status(0, 0, Rig.SIZE, 16)));
        }
    }

    @Test
    void aTrimmedUnitIsAHoleAgain() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Errno.OK, rig.write(0, Rig.noise(1, 3 * UNIT)));
            assertEquals(Errno.OK, rig.run(Command.TRIM, 0, UNIT, UNIT));
            assertEquals(UNIT + "d " + UNIT + "h " + UNIT + "d", shape(rig.status(0, 0, 3 * UNIT, 8)));
        }
    }

    @Test
    void isClippedToAnUnalignedStretch() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Errno.OK, rig.write(UNIT, Rig.noise(1, UNIT)));
            assertEquals("6h 4096d 4h", shape(rig.status(0, UNIT - 6, UNIT + 10, 8)));
            assertEquals("1d", shape(rig.status(0, UNIT + 5, 1, 8)));
        }
    }

    @Test
    void oneExtentIsOneAndNotPastTheStretch() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Errno.OK, rig.write(2 * UNIT, Rig.noise(1, UNIT)));
            int one = BlockRequest.REQ_ONE;
            assertEquals(2 * UNIT + "h", shape(rig.status(one, 0, Rig.SIZE, 8)));
            assertEquals("10h", shape(rig.status(one, 0, 10, 8)));
            assertEquals(UNIT + "d", shape(rig.status(one, 2 * UNIT, Rig.SIZE / 2, 8)));
            assertEquals((Rig.SIZE - 3 * UNIT) + "h", shape(rig.status(one, 3 * UNIT, Rig.SIZE - 3 * UNIT, 8)));
        }
    }

    @Test
    void aFullListEndsTheAnswerEarly() {
        try (Rig rig = Rig.plan().build()) {
            for (int i = 0; i < 10; i++) {
                assertEquals(Errno.OK, rig.write(2 * i * UNIT, Rig.noise(i, UNIT)));
            }
            assertEquals("4096d 4096h 4096d", shape(rig.status(0, 0, Rig.SIZE, 3)));
        }
    }

    @Test
    void aUnitThatIsPartlyAHoleOnTheStoreIsData() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Errno.OK, rig.write(0, Rig.noise(1, 4 * UNIT)));
            int sector = (int) rig.plane.physical(0) / ScatterStore.SECTOR;
            // Ciphertext may contain a sector of zeros that a store, or somebody who copied the file, made a hole of.
            Arrays.fill(rig.store.written, sector + 7, sector + 17, false);
            assertEquals(UNIT + "d " + UNIT + "h " + 2 * UNIT + "d", shape(rig.status(0, 0, 4 * UNIT, 8)));
            Arrays.fill(rig.store.written, sector, sector + 32, true);
            Arrays.fill(rig.store.written, sector + 1, sector + 2, false);
            for (int flags : new int[] {0, BlockRequest.REQ_ONE}) {
                ExtentList list = rig.status(flags, 0, 4 * UNIT, 8);
                assertEquals(0, list.state(0));
                assertTrue(list.lengthBytes(0) >= UNIT);
            }
        }
    }

    @Test
    void anErrorOfTheStoreIsTheAnswer() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Errno.OK, rig.write(0, Rig.noise(1, UNIT)));
            rig.store.fault = r -> Errno.EIO;
            ExtentList list = new ExtentList(4);
            assertEquals(Errno.EIO, rig.outcomeOfStatus(0, Rig.RANGE, list));
        }
    }
}
