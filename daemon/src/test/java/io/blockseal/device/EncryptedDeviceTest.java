package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import io.blockseal.volume.table.RangeWord;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The encryption layer alone: what reaches the store, and what a client gets back. */
class EncryptedDeviceTest {
    private static final int UNIT = 4096;

    private final Rig rig = Rig.plan().encryptedOnly().build();

    @AfterEach
    void everythingComesBack() {
        rig.close();
    }

    @Test
    void readsWhatWasWrittenAndStoresOnlyCiphertext() {
        byte[] data = new byte[2 * UNIT];
        Arrays.fill(data, (byte) 'A');
        assertEquals(Errno.OK, rig.write(UNIT, data));
        assertArrayEquals(data, rig.read(UNIT, data.length));
        byte[] raw = rig.raw(UNIT, data.length);
        assertFalse(Arrays.equals(raw, 0, UNIT, raw, UNIT, 2 * UNIT), "equal units must not look equal");
        assertFalse(new String(raw, java.nio.charset.StandardCharsets.ISO_8859_1).contains("AAAA"));
    }

    @Test
    void usesTheAbsoluteUnitNumberAsTweak() {
        byte[] data = Rig.noise(7, UNIT);
        long offset = 3L * Rig.RANGE + 2 * UNIT;
        assertEquals(Errno.OK, rig.write(offset, data));
        Memory memory = new JvmMemorySource().map(UNIT);
        memory.bytes().put(0, data);
        rig.plane.xts().encrypt(rig.plane.dek(3), memory, 0, UNIT, offset / UNIT, 1);
        byte[] expected = new byte[UNIT];
        memory.bytes().get(0, expected);
        assertArrayEquals(expected, rig.raw(offset, UNIT));
    }

    @Test
    void splitsAtRangeBordersAndAnswersOnce() {
        byte[] data = Rig.noise(8, 3 * Rig.RANGE);
        long offset = Rig.RANGE - UNIT;
        assertEquals(Errno.OK, rig.write(offset, data));
        assertEquals(4, rig.store.calls(Command.WRITE), "one write a range");
        assertArrayEquals(data, rig.read(offset, data.length));
        assertArrayEquals(new byte[UNIT], rig.read(0, UNIT));
    }

    @Test
    void keepsTheDurabilityFlagOfAWriteOnEveryPart() {
        byte[] data = Rig.noise(9, 2 * UNIT);
        rig.store.fault = r -> r.has(BlockRequest.FUA) ? Errno.OK : Errno.EIO;
        assertEquals(Errno.OK, rig.write(BlockRequest.FUA, Rig.RANGE - UNIT, data));
        rig.store.fault = r -> Errno.OK;
        assertEquals(2, rig.store.calls(Command.WRITE));
    }

    @Test
    void flushGoesToTheStore() {
        assertEquals(Errno.OK, rig.run(Command.FLUSH, 0, 0, 0));
        assertEquals(1, rig.store.calls(Command.FLUSH));
    }

    @Test
    void refusesWhatIsNotWholeUnitsOrNotInside() {
        assertEquals(Errno.EINVAL, rig.run(Command.READ, 0, 512, UNIT));
        assertEquals(Errno.EINVAL, rig.write(0, new byte[512]));
        assertEquals(Errno.EINVAL, rig.run(Command.TRIM, 0, 0, 512));
        assertEquals(Errno.ENOSPC, rig.write(Rig.SIZE, new byte[UNIT]));
        assertEquals(Errno.EINVAL, rig.run(Command.READ, 0, Rig.SIZE, UNIT));
        assertEquals(Errno.EINVAL, rig.run(Command.TRIM, 0, UNIT, Long.MAX_VALUE));
        assertEquals(Errno.EINVAL, rig.run(Command.CACHE, 0, -1, UNIT));
        assertEquals(Errno.ENOSPC, rig.run(Command.WRITE_ZEROES, 0, Long.MAX_VALUE, UNIT));
        assertEquals(0, rig.store.callsInAll());
    }

    @Test
    void narrowsTheGeometryOfItsStore() {
        Geometry geometry = rig.stack.encrypted().geometry();
        assertEquals(new Geometry(Rig.SIZE, UNIT, 4096, false, true, true, true), geometry);
    }

    @Nested
    class WithoutADek {
        @Test
        void readsZerosWithoutAskingTheStore() {
            rig.plane.setState(2, RangeWord.SHREDDED);
            assertArrayEquals(new byte[3 * Rig.RANGE], rig.read(Rig.RANGE, 3 * Rig.RANGE));
            assertEquals(0, rig.store.callsInAll());
        }

        @Test
        void aWriteWaitsForTheDekAndIsNotLost() {
            rig.plane.holdAllocations = true;
            byte[] data = Rig.noise(1, UNIT);
            Rig.Sent first = rig.send(0, Command.WRITE, 0, 0, UNIT, data, 0);
            Rig.Sent second = rig.send(0, Command.WRITE, 0, 2 * UNIT, UNIT, data, 0);
            rig.turnUntilIdle();
            assertFalse(first.isDone() || second.isDone());
            assertEquals(0, rig.store.callsInAll());
            assertArrayEquals(new byte[UNIT], rig.read(0, UNIT), "reads do not wait");
            rig.plane.commitHeldAllocations();
            rig.turnUntilIdle();
            assertEquals(Errno.OK, rig.outcome(first));
            assertEquals(Errno.OK, rig.outcome(second));
            assertArrayEquals(data, rig.read(0, UNIT));
            assertArrayEquals(data, rig.read(2 * UNIT, UNIT));
            assertArrayEquals(new byte[UNIT], rig.read(UNIT, UNIT), "the unit between was never written");
        }

        @Test
        void aWriteFailsAsTheAllocationDid() {
            rig.plane.allocationOutcome = Errno.ENOSPC;
            assertEquals(Errno.ENOSPC, rig.write(0, new byte[UNIT]));
            rig.plane.allocationOutcome = Errno.EIO;
            assertEquals(Errno.EIO, rig.write(Rig.RANGE - UNIT, new byte[2 * UNIT]));
            assertEquals(0, rig.store.callsInAll());
            rig.plane.allocationOutcome = Errno.OK;
            assertEquals(Errno.OK, rig.write(0, new byte[UNIT]));
        }

        @Test
        void aWriteGoesOnWaitingIfTheRangeWasShreddedBeforeItCouldResume() {
            rig.plane.holdAllocations = true;
            Rig.Sent sent = rig.send(0, Command.WRITE, 0, 0, UNIT, Rig.noise(2, UNIT), 0);
            rig.plane.commitHeldAllocations();
            rig.plane.setState(0, RangeWord.SHREDDED);
            rig.turnUntilIdle();
            assertEquals(2, rig.plane.allocations.get());
            rig.plane.commitHeldAllocations();
            rig.turnUntilIdle();
            assertEquals(Errno.OK, rig.outcome(sent));
        }
    }

    @Nested
    class WithAKeyThatCannotBeUsed {
        @Test
        void aLostRangeFailsAndItsNeighboursWork() {
            rig.plane.setState(1, RangeWord.LOST);
            assertEquals(Errno.EIO, rig.run(Command.READ, 0, Rig.RANGE, UNIT));
            assertEquals(Errno.EIO, rig.write(Rig.RANGE, new byte[UNIT]));
            assertEquals(Errno.EIO, rig.run(Command.TRIM, 0, 0, 3L * Rig.RANGE));
            assertEquals(Errno.EIO, rig.run(Command.WRITE_ZEROES, BlockRequest.NO_HOLE, Rig.RANGE, UNIT));
            assertEquals(Errno.OK, rig.write(2L * Rig.RANGE, new byte[UNIT]));
        }

        @Test
        void anEntryThatDoesNotVerifyFailsReadsAndWrites() {
            assertEquals(Errno.OK, rig.write(0, Rig.noise(3, UNIT)));
            byte[] before = rig.raw(0, UNIT);
            rig.plane.brokenRange = 0;
            assertEquals(Errno.EIO, rig.run(Command.READ, 0, 0, UNIT));
            assertEquals(Errno.EIO, rig.write(0, Rig.noise(4, UNIT)));
            assertArrayEquals(before, rig.raw(0, UNIT));
        }
    }

    @Nested
    class CiphertextOfZeros {
        /** Z5: the plaintext whose ciphertext is all zeros can be computed by whoever has the key. */
        private byte[] plaintextOfZeros(long offset) {
            Memory memory = new JvmMemorySource().map(UNIT);
            rig.plane.xts().decrypt(rig.plane.dek(offset / Rig.RANGE), memory, 0, UNIT, offset / UNIT, 1);
            byte[] plaintext = new byte[UNIT];
            memory.bytes().get(0, plaintext);
            return plaintext;
        }

        @Test
        void isRefusedAndCountedAndNeverStored() {
            byte[] old = Rig.noise(5, 3 * UNIT);
            assertEquals(Errno.OK, rig.write(0, old));
            byte[] data = Rig.noise(6, 3 * UNIT);
            System.arraycopy(plaintextOfZeros(UNIT), 0, data, UNIT, UNIT);
            assertEquals(Errno.EIO, rig.write(0, data));
            assertEquals(1, rig.stack.encrypted().zeroCiphertexts());
            assertArrayEquals(old, rig.read(0, old.length), "the old contents stay");
        }

        @Test
        void onlyAWholeUnitOfZerosReadsAsNeverWritten() {
            assertEquals(Errno.OK, rig.write(0, Rig.noise(5, UNIT)));
            int physical = (int) rig.plane.physical(0);
            Arrays.fill(rig.store.bytes, physical, physical + UNIT - 16, (byte) 0);
            assertFalse(Arrays.equals(new byte[UNIT], rig.read(0, UNIT)), "noise, not zeros");
            Arrays.fill(rig.store.bytes, physical, physical + UNIT, (byte) 0);
            assertArrayEquals(new byte[UNIT], rig.read(0, UNIT));
        }
    }

    @Test
    void twoChannelsOfOneLoopShareTheirKeys() {
        var second = rig.stack.encrypted().openChannel(rig.loops[0]);
        assertEquals(1, rig.plane.openCaches.get());
        second.close();
        assertEquals(1, rig.plane.openCaches.get());
    }

    @Test
    void refusesAStoreWhoseAlignmentDoesNotFit() {
        ScatterStore odd = new ScatterStore(1 << 20, ScatterStore.Timing.INLINE, 1);
        odd.alignmentBytes = 4096;
        var shape = new io.blockseal.volume.VolumeShape(512 * 9, 512, Rig.RANGE_SHIFT, 8192, false);
        try (FixedKeys plane = new FixedKeys(shape, odd, 1)) {
            String message = assertThrows(IllegalArgumentException.class, () -> new EncryptedDevice(plane))
                    .getMessage();
            assertTrue(message.contains("4096"), message);
        }
    }
}
