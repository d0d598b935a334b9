package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.volume.table.RangeWord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * READs on one loop while another loop's change of the same units is half on the store. A unit is 4096 bytes, and its range
 * has a DEK, so that half a unit of ciphertext deciphers to noise.
 */
class AlignerChannelTest {
    private static final int UNIT = 4096;
    private static final int SECTOR = 512;
    /** The unit that is changed. */
    private static final int AT = 3 * UNIT;

    private static Rig rig() {
        Rig rig = Rig.plan().loops(2).build();
        // Somewhere else in the range, for its DEK.
        assertEquals(Errno.OK, rig.write(Rig.RANGE - UNIT, Rig.noise(1, UNIT)));
        return rig;
    }

    /** The loops turn until the change stops half-way. */
    private static Rig.Sent halfWay(Rig rig, Command command, Rig.Sent sent) {
        rig.turnUntilIdle();
        assertFalse(sent.isDone());
        assertEquals(1, rig.store.halvesDone(), "a " + command + " is half done");
        return sent;
    }

    private static Rig.Sent write(Rig rig, int loop, long offset, byte[] data) {
        return rig.send(loop, Command.WRITE, 0, offset, data.length, data, 0);
    }

    private static Rig.Sent halfAWrite(Rig rig, long offset, byte[] data) {
        rig.store.stopsHalfWay = r -> r.command() == Command.WRITE;
        return halfWay(rig, Command.WRITE, write(rig, 0, offset, data));
    }

    private static Rig.Sent read(Rig rig, long offset, int length) {
        Rig.Sent sent = rig.send(1, Command.READ, 0, offset, length, null, 0);
        rig.turnUntilIdle();
        return sent;
    }

    private static void finish(Rig rig) {
        rig.store.finishHalves();
        rig.turnUntilIdle();
    }

    private static byte[] answer(Rig rig, Rig.Sent reading, int length) {
        assertTrue(reading.isDone(), "hangs");
        assertEquals(Errno.OK, reading.errno);
        return rig.bytesOf(reading, length, 0);
    }

    @Nested
    class BesideAWriteOfPartOfANewUnit {
        private final byte[] data = Rig.noise(2, SECTOR);

        /** The bytes from {@code offset} on when the write is done. */
        private byte[] expected(int offset, int length) {
            byte[] volume = new byte[Rig.RANGE];
            System.arraycopy(Rig.noise(1, UNIT), 0, volume, Rig.RANGE - UNIT, UNIT);
            System.arraycopy(data, 0, volume, AT + SECTOR, SECTOR);
            return Arrays.copyOfRange(volume, offset, offset + length);
        }

        private void readsNoNoise(int offset, int length) {
            try (Rig rig = rig()) {
                Rig.Sent small = halfAWrite(rig, AT + SECTOR, data);
                Rig.Sent reading = read(rig, offset, length);
                finish(rig);
                assertEquals(Errno.OK, rig.outcome(small));
                assertArrayEquals(expected(offset, length), answer(rig, reading, length));
            }
        }

        /** The client who reads has nothing to do with the sector that is written. */
        @Test
        void anotherSectorOfTheUnitIsZeros() {
            readsNoNoise(AT + 6 * SECTOR, SECTOR);
        }

        @Test
        void theWholeUnitIsAsItWasOrAsItWillBe() {
            readsNoNoise(AT, UNIT);
        }

        @Test
        void unalignedReadsOverSeveralUnitsAreRightInAllOfThem() {
            readsNoNoise(AT - UNIT - 100, 3 * UNIT + 200);
            readsNoNoise(100, Rig.RANGE - 200);
        }

        @Test
        void aReadElsewhereDoesNotWait() {
            try (Rig rig = rig()) {
                Rig.Sent small = halfAWrite(rig, AT + SECTOR, data);
                Rig.Sent reading = read(rig, 2L * Rig.RANGE + 5, 20);
                assertArrayEquals(new byte[20], answer(rig, reading, 20));
                finish(rig);
                assertEquals(Errno.OK, rig.outcome(small));
            }
        }

        /** Its client must not be left without an answer because another one's write failed. */
        @Test
        void readsAreAnsweredWhenTheWriteHasFailed() {
            try (Rig rig = rig()) {
                Rig.Sent small = halfAWrite(rig, AT + SECTOR, data);
                List<Rig.Sent> reading = new ArrayList<>();
                reading.add(read(rig, AT + 6 * SECTOR, SECTOR));
                reading.add(read(rig, AT, UNIT));
                reading.add(read(rig, AT + 1, 100_000));
                reading.forEach(sent -> assertFalse(sent.isDone()));
                rig.store.fault = r -> r.command() == Command.WRITE ? Errno.EIO : Errno.OK;
                finish(rig);
                assertEquals(Errno.EIO, rig.outcome(small));
                reading.forEach(sent -> assertEquals(Errno.OK, rig.outcome(sent)));
            }
        }

        @Test
        void whoWaitedAndThenFailsLeavesNothingBehind() {
            try (Rig rig = rig()) {
                Rig.Sent small = halfAWrite(rig, AT + SECTOR, data);
                Rig.Sent whole = read(rig, AT, UNIT);
                Rig.Sent part = read(rig, AT + 1, 100_000);
                rig.store.fault = r -> r.command() == Command.READ ? Errno.EIO : Errno.OK;
                finish(rig);
                assertEquals(Errno.OK, rig.outcome(small));
                assertEquals(Errno.EIO, rig.outcome(whole));
                assertEquals(Errno.EIO, rig.outcome(part));
            }
        }
    }

    /** The last bytes of the unit that are not zeros are zeroed, so that it becomes a hole. */
    @Test
    void zeroingPartOfAUnitShowsNobodyHalfAHole() {
        try (Rig rig = rig()) {
            assertEquals(Errno.OK, rig.write(AT + SECTOR, Rig.noise(2, SECTOR)));
            rig.store.stopsHalfWay = r -> r.command() == Command.WRITE_ZEROES || r.command() == Command.TRIM;
            Rig.Sent zeroing = rig.send(0, Command.WRITE_ZEROES, 0, AT + SECTOR, SECTOR, null, 0);
            halfWay(rig, Command.WRITE_ZEROES, zeroing);
            Rig.Sent reading = read(rig, AT + 3 * SECTOR, SECTOR);
            finish(rig);
            assertEquals(Errno.OK, rig.outcome(zeroing));
            assertArrayEquals(new byte[SECTOR], answer(rig, reading, SECTOR));
        }
    }

    @Nested
    class WholeBlocks {
        /** Who overlaps asked for it; who does not must not pay for a stripe that is shared with sixteen units. */
        @Test
        void areReadWhileOthersAreWritten() {
            try (Rig rig = rig()) {
                Rig.Sent writing = halfAWrite(rig, AT, Rig.noise(3, UNIT));
                assertArrayEquals(new byte[UNIT], answer(rig, read(rig, 0, UNIT), UNIT));
                assertArrayEquals(new byte[9], answer(rig, read(rig, 7, 9), 9));
                Rig.Sent overlapping = read(rig, AT, UNIT);
                assertEquals(Errno.OK, rig.outcome(overlapping));
                finish(rig);
                assertEquals(Errno.OK, rig.outcome(writing));
            }
        }

        @Test
        void areWrittenWhileOthersAreRead() {
            try (Rig rig = rig()) {
                rig.store.stopsHalfWay = r -> r.command() == Command.READ;
                Rig.Sent reading = read(rig, AT + 1, 9);
                assertEquals(1, rig.store.halvesDone());
                Rig.Sent writing = write(rig, 0, AT + UNIT, Rig.noise(3, UNIT));
                rig.turnUntilIdle();
                assertEquals(Errno.OK, rig.outcome(writing));
                finish(rig);
                assertArrayEquals(new byte[9], answer(rig, reading, 9));
            }
        }
    }

    @Nested
    class BesideAReadThatIsUnderWay {
        /** Else the read finds what comes of the write beside what it has seen already. */
        @Test
        void partOfAUnitIsNotWritten() {
            try (Rig rig = rig()) {
                rig.store.stopsHalfWay = r -> r.command() == Command.READ && r.length() == 2 * UNIT;
                Rig.Sent reading = read(rig, AT, 2 * UNIT);
                assertEquals(1, rig.store.halvesDone());
                Rig.Sent small = write(rig, 0, AT + SECTOR, Rig.noise(2, SECTOR));
                rig.turnUntilIdle();
                assertFalse(small.isDone());
                finish(rig);
                assertEquals(Errno.OK, rig.outcome(small));
                assertArrayEquals(new byte[2 * UNIT], answer(rig, reading, 2 * UNIT));
                assertArrayEquals(Rig.noise(2, SECTOR), rig.read(AT + SECTOR, SECTOR));
            }
        }

        /** A client that reads without end must not keep others from writing. */
        @Test
        void aStreamOfReadsDoesNotStarveASmallWrite() {
            try (Rig rig = rig()) {
                Supplier<Rig.Sent> stream = () -> rig.send(1, Command.READ, 0, Rig.RANGE - UNIT, UNIT, null, 0);
                Rig.Sent begun = stream.get();
                Rig.Sent small = write(rig, 0, AT + SECTOR, Rig.noise(2, SECTOR));
                assertEquals(Errno.OK, rig.outcomeBeside(stream, begun, small));
            }
        }
    }

    /** Nobody writes there, so nobody is waited for. */
    @Test
    void readsOfAReadOnlyVolumeTakeNoStripes() {
        try (Rig rig = Rig.plan().readOnly().build()) {
            for (int i = 0; i < Rig.RANGES; i++) {
                rig.plane.setState(i, RangeWord.ACTIVE);
            }
            rig.store.stopsHalfWay = r -> r.command() == Command.READ;
            Rig.Sent whole = rig.send(0, Command.READ, 0, AT, UNIT, null, 0);
            Rig.Sent part = rig.send(0, Command.READ, 0, AT + 1, 100_000, null, 0);
            rig.turnUntilIdle();
            assertFalse(whole.isDone());
            assertTrue(rig.stack.top().locks().isIdle());
            finish(rig);
            assertEquals(Errno.OK, rig.outcome(whole));
            assertEquals(Errno.OK, rig.outcome(part));
        }
    }
}
