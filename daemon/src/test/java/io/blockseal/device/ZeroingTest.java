package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.volume.table.RangeWord;
import java.util.Arrays;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The rules about zeros: they read back as zeros over their whole length, and cost what they should. */
class ZeroingTest {
    private static final int UNIT = 4096;

    private static byte[] fill(Rig rig) {
        byte[] data = Rig.noise(42, Rig.SIZE);
        for (int at = 0; at < data.length; at += 1 << 20) {
            int length = Math.min(1 << 20, data.length - at);
            assertEquals(Errno.OK, rig.write(at, Arrays.copyOfRange(data, at, at + length)));
        }
        return data;
    }

    private static byte[] readAll(Rig rig) {
        byte[] all = new byte[Rig.SIZE];
        for (int at = 0; at < all.length; at += 1 << 20) {
            int length = Math.min(1 << 20, all.length - at);
            System.arraycopy(rig.read(at, length), 0, all, at, length);
        }
        return all;
    }

    /** Z1. */
    @ParameterizedTest
    @CsvSource({"0", "2"})
    void aRangeWithoutDekIsZerosAndTheStoreIsNotAsked(int state) {
        try (Rig rig = Rig.plan().build()) {
            for (int i = 0; i < Rig.RANGES; i++) {
                rig.plane.setState(i, state);
            }
            Arrays.fill(rig.store.bytes, (byte) 0x55);
            assertArrayEquals(new byte[Rig.SIZE], readAll(rig));
            assertEquals(0, rig.store.callsInAll());
        }
    }

    @Test
    void aUnitNeverWrittenInAnActiveRangeIsZeros() {
        try (Rig rig = Rig.plan().build()) {
            rig.plane.setState(0, RangeWord.ACTIVE);
            assertArrayEquals(new byte[3 * UNIT], rig.read(UNIT, 3 * UNIT));
        }
    }

    /** Z3 and Z4, aligned and not, whole ranges, to the very end. */
    @ParameterizedTest
    @CsvSource({
        "TRIM,0",
        "TRIM,1",
        "WRITE_ZEROES,0",
        "WRITE_ZEROES,1",
        "WRITE_ZEROES,2",
        "WRITE_ZEROES,3",
        "WRITE_ZEROES,4"
    })
    void zeroesTheStretchAndNothingBesideIt(Command command, int flags) {
        int[][] stretches = {
            {0, UNIT},
            {5, 100},
            {4000, 200},
            {UNIT - 1, 2 * UNIT + 2},
            {Rig.RANGE, Rig.RANGE},
            {Rig.RANGE - 1, 3 * Rig.RANGE + 2},
            {Rig.SIZE - 1, 1},
            {Rig.SIZE - 3 * Rig.RANGE, 3 * Rig.RANGE},
            {0, Rig.SIZE}
        };
        for (int[] stretch : stretches) {
            try (Rig rig = Rig.plan().timing(ScatterStore.Timing.MIXED).build()) {
                byte[] model = fill(rig);
                boolean refused = (flags & BlockRequest.FAST_ZERO) != 0 && stretch[1] < UNIT;
                assertEquals(refused ? Errno.ENOTSUP : Errno.OK, rig.run(command, flags, stretch[0], stretch[1]));
                if (!refused) {
                    Arrays.fill(model, stretch[0], stretch[0] + stretch[1], (byte) 0);
                }
                assertArrayEquals(model, readAll(rig));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Command.class,
            names = {"TRIM", "WRITE_ZEROES"})
    void wholeUnitsBecomeHolesOnTheStore(Command command) {
        try (Rig rig = Rig.plan().build()) {
            fill(rig);
            assertEquals(Errno.OK, rig.run(command, 0, UNIT, 2 * UNIT));
            int sector = (int) rig.plane.physical(UNIT) / ScatterStore.SECTOR;
            assertTrue(rig.store.written[sector - 1]);
            for (int i = 0; i < 2 * UNIT / ScatterStore.SECTOR; i++) {
                assertFalse(rig.store.written[sector + i]);
            }
            assertEquals(1, rig.store.calls(command));
        }
    }

    @Test
    void zeroesOfARangeWithoutDekCostNothingAtAnyAlignment() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Errno.OK, rig.run(Command.TRIM, 0, 0, Rig.SIZE));
            assertEquals(Errno.OK, rig.run(Command.WRITE_ZEROES, BlockRequest.FUA, 77, Rig.SIZE - 100));
            assertEquals(0, rig.plane.allocations.get());
            assertEquals(0, rig.store.callsInAll());
        }
    }

    @Test
    void aTrimThatWouldLeaveNoiseBecomesZeroing() {
        try (Rig rig = Rig.plan().build()) {
            byte[] model = fill(rig);
            rig.store.trimLeavesNoise = true;
            try (Rig again = rig.reopen()) {
                assertEquals(Errno.OK, again.run(Command.TRIM, 0, 0, 4 * UNIT));
                Arrays.fill(model, 0, 4 * UNIT, (byte) 0);
                assertArrayEquals(Arrays.copyOf(model, 8 * UNIT), again.read(0, 8 * UNIT));
                assertEquals(0, again.store.calls(Command.TRIM));
            }
        }
    }

    @Test
    void durabilityIsPassedDown() {
        try (Rig rig = Rig.plan().build()) {
            fill(rig);
            assertEquals(Errno.OK, rig.run(Command.TRIM, BlockRequest.FUA, 0, UNIT));
            assertEquals(BlockRequest.FUA, rig.store.lastFlags(Command.TRIM));
            assertEquals(Errno.OK, rig.run(Command.WRITE_ZEROES, BlockRequest.FUA, 0, UNIT));
            assertEquals(BlockRequest.FUA, rig.store.lastFlags(Command.WRITE_ZEROES));
            assertEquals(Errno.OK, rig.run(Command.WRITE_ZEROES, BlockRequest.FUA | BlockRequest.NO_HOLE, 0, UNIT));
            assertEquals(BlockRequest.FUA, rig.store.lastFlags(Command.WRITE));
        }
    }

    @Nested
    class WithoutHoles {
        /** Z4: provisioned, so that a later write cannot run out of space. */
        @Test
        void theStretchIsAllocatedAndReadsAsZeros() {
            try (Rig rig = Rig.plan().build()) {
                assertEquals(Errno.OK, rig.run(Command.WRITE_ZEROES, BlockRequest.NO_HOLE, Rig.RANGE, 3L * Rig.RANGE));
                assertEquals(1, rig.plane.allocations.get(), "one commit gives the whole page its DEKs");
                for (int i = 0; i < 3 * Rig.RANGE; i += ScatterStore.SECTOR) {
                    assertTrue(rig.store.written[(int) rig.plane.physical(Rig.RANGE + i) / ScatterStore.SECTOR]);
                }
                assertFalse(Arrays.equals(new byte[UNIT], rig.raw(Rig.RANGE, UNIT)), "ciphertext of zeros is no zeros");
                assertArrayEquals(new byte[3 * Rig.RANGE], rig.read(Rig.RANGE, 3 * Rig.RANGE));
            }
        }

        @Test
        void neverMoreThanAFewBuffersAreOut() {
            try (Rig rig = Rig.plan().build()) {
                Rig.Sent sent = rig.send(0, Command.WRITE_ZEROES, BlockRequest.NO_HOLE, 0, 20L * Rig.RANGE, null, 0);
                int most = 0;
                do {
                    most = Math.max(most, rig.loops[0].buffers().leasedCount());
                } while (rig.turn());
                assertEquals(Errno.OK, rig.outcome(sent));
                assertTrue(most >= 1 && most <= 3, "buffers out: " + most);
            }
        }

        @Test
        void anAllocationThatFailsEndsItWithThatError() {
            try (Rig rig = Rig.plan().build()) {
                rig.plane.allocationOutcome = Errno.ENOSPC;
                assertEquals(Errno.ENOSPC, rig.run(Command.WRITE_ZEROES, BlockRequest.NO_HOLE, 100, 3L * Rig.RANGE));
            }
        }
    }

    @Nested
    class Fast {
        private static final int FAST = BlockRequest.FAST_ZERO;

        @Test
        void isRefusedUnchangedWhereItWouldBeWriting() {
            try (Rig rig = Rig.plan().build()) {
                byte[] model = fill(rig);
                assertEquals(Errno.ENOTSUP, rig.run(Command.WRITE_ZEROES, FAST | BlockRequest.NO_HOLE, 0, Rig.RANGE));
                assertEquals(Errno.ENOTSUP, rig.run(Command.WRITE_ZEROES, FAST, 10, 100));
                rig.store.fastZeroRefused = true;
                assertEquals(Errno.ENOTSUP, rig.run(Command.WRITE_ZEROES, FAST, 0, 5L * Rig.RANGE));
                assertEquals(Errno.ENOTSUP, rig.run(Command.WRITE_ZEROES, FAST, 100, 5L * Rig.RANGE));
                assertArrayEquals(model, readAll(rig));
                assertEquals(Errno.OK, rig.run(Command.WRITE_ZEROES, 0, 0, 5L * Rig.RANGE), "slow is allowed");
            }
        }

        @Test
        void isRefusedByAStoreThatNeverCan() {
            try (Rig rig = Rig.plan().build()) {
                rig.store.canFastZero = false;
                try (Rig again = rig.reopen()) {
                    assertEquals(Errno.ENOTSUP, again.run(Command.WRITE_ZEROES, FAST, 0, UNIT));
                    assertFalse(again.stack.top().geometry().canFastZero());
                }
            }
        }

        @Test
        void isNotRefusedOnceSomethingHasChanged() {
            try (Rig rig = Rig.plan().build()) {
                byte[] model = fill(rig);
                int[] zeroings = new int[1];
                rig.store.fault = r -> {
                    boolean refuse = r.command() == Command.WRITE_ZEROES && zeroings[0]++ > 0;
                    return refuse && r.has(FAST) ? Errno.ENOTSUP : Errno.OK;
                };
                assertEquals(Errno.OK, rig.run(Command.WRITE_ZEROES, FAST, 100, 5L * Rig.RANGE));
                Arrays.fill(model, 100, 100 + 5 * Rig.RANGE, (byte) 0);
                assertArrayEquals(model, readAll(rig));
            }
        }
    }
}
