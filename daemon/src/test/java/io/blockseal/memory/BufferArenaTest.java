package io.blockseal.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Buffers are bounded, come back, and one size does not lock out another. */
class BufferArenaTest {
    private static final long BUDGET = 8L << 20;

    private final List<Runnable> tasks = new ArrayList<>();
    private final BufferBudget budget = new BufferBudget(BUDGET);
    private final BufferArena arena =
            new BufferArena(tasks::add, Thread.currentThread(), new JvmMemorySource(), budget);

    private List<ArenaBuf> leaseAllThereAre(int dataBytes) {
        List<ArenaBuf> leased = new ArrayList<>();
        for (ArenaBuf buf = arena.lease(dataBytes); buf != null; buf = arena.lease(dataBytes)) {
            leased.add(buf);
        }
        return leased;
    }

    @Test
    void aBufferHoldsWhatWasAskedForBehindItsHeadRoom() {
        for (int bytes : new int[] {1, 4096, 4097, 65536, 262144, 262145, BufferArena.MAX_DATA_BYTES}) {
            ArenaBuf buf = arena.lease(bytes);
            assertNotNull(buf);
            assertTrue(buf.dataCapacity() >= bytes);
            assertEquals(BufferArena.HEAD_ROOM_BYTES, buf.dataOffset());
            assertFalse(buf.isReadable());
            buf.release();
        }
        assertEquals(0, arena.leasedCount());
        assertEquals(0, arena.leasedBytes());
    }

    @Test
    void theBudgetIsKept() {
        List<ArenaBuf> leased = leaseAllThereAre(4096);
        assertTrue(budget.mappedBytes() <= BUDGET);
        assertNull(arena.lease(1));
        leased.get(0).release();
        assertNotNull(arena.lease(1));
    }

    /** Else whoever divides them thinks that there are others left, and there are none. */
    @Test
    void whenAllAreOutWhatIsLeasedIsWhatIsMapped() {
        for (int bytes : new int[] {1, 4096, 65536, 262144, BufferArena.MAX_DATA_BYTES}) {
            List<ArenaBuf> leased = leaseAllThereAre(bytes);
            assertEquals(budget.mappedBytes(), arena.leasedBytes(), budget.mappedBytes() / 1000.0, "of " + bytes);
            assertTrue(leased.stream().allMatch(buf -> buf.occupiedBytes() == BufferArena.occupiedBytes(bytes)));
            leased.forEach(ArenaBuf::release);
            assertEquals(0, arena.leasedBytes());
        }
    }

    @Test
    void aLargerBufferThanWasNeededCountsAsWhatItIs() {
        List<ArenaBuf> large = leaseAllThereAre(262144);
        long all = arena.leasedBytes();
        large.get(0).release();
        ArenaBuf small = arena.lease(4096);
        assertNotNull(small);
        assertEquals(BufferArena.occupiedBytes(262144), small.occupiedBytes());
        assertEquals(all, arena.leasedBytes());
    }

    /** The daemon goes on, and there may be memory again. */
    @Test
    void whatCouldNotBeMappedIsNotCounted() {
        boolean[] isShort = {false};
        MemorySource source = bytes -> {
            if (isShort[0]) {
                throw new OutOfMemoryError("none left");
            }
            return new JvmMemorySource().map(bytes);
        };
        BufferArena failing = new BufferArena(tasks::add, Thread.currentThread(), source, budget);
        isShort[0] = true;
        for (int i = 0; i < 100; i++) {
            assertNull(failing.lease(1));
            assertFalse(failing.leaseAll(4096, 2, new ArenaBuf[2]));
        }
        assertFalse(failing.mayReturn());
        assertEquals(0, budget.mappedBytes());
        assertNotNull(failing.leaseReserved());
        assertFalse(failing.mayReturn(), "that is of no use to who waits");
        isShort[0] = false;
        assertNotNull(failing.lease(1));
        assertTrue(failing.mayReturn());
    }

    @Test
    void slotsOfOneSizeBecomeSlotsOfAnotherOnceTheyAreBack() {
        List<ArenaBuf> small = leaseAllThereAre(4096);
        assertNull(arena.lease(BufferArena.MAX_DATA_BYTES));
        small.forEach(ArenaBuf::release);
        List<ArenaBuf> large = leaseAllThereAre(BufferArena.MAX_DATA_BYTES);
        assertEquals((int) (BUDGET / (4 * (4096 + (256 << 10)))), large.size());
        large.forEach(ArenaBuf::release);
        assertEquals(small.size(), leaseAllThereAre(4096).size());
    }

    @Test
    void aSlabWithOneSlotOutIsLeftAlone() {
        List<ArenaBuf> small = leaseAllThereAre(4096);
        ArenaBuf kept = small.remove(0);
        kept.setIndex(0, 0).writeLong(4711);
        small.forEach(ArenaBuf::release);
        List<ArenaBuf> large = leaseAllThereAre(BufferArena.MAX_DATA_BYTES);
        for (ArenaBuf buf : large) {
            buf.memory().zero(0, buf.memory().capacity());
        }
        assertEquals(4711, kept.readLong());
    }

    @Test
    void severalAreLeasedTogetherOrNotAtAll() {
        @Nullable ArenaBuf[] room = new ArenaBuf[64];
        assertFalse(arena.leaseAll(BufferArena.MAX_DATA_BYTES, 64, room));
        assertEquals(0, arena.leasedCount());
        assertTrue(arena.leaseAll(BufferArena.MAX_DATA_BYTES, 7, room));
        assertEquals(7, arena.leasedCount());
    }

    @Test
    void aRefusedLeaseOfSeveralWakesNobody() {
        arena.whenReturned(() -> {});
        assertFalse(arena.leaseAll(BufferArena.MAX_DATA_BYTES, 64, new ArenaBuf[64]));
        assertTrue(tasks.isEmpty());
    }

    @Test
    void whoWaitsIsCalledWhenOneComesBack() {
        List<ArenaBuf> leased = leaseAllThereAre(65536);
        List<String> called = new ArrayList<>();
        arena.whenReturned(() -> called.add("first"));
        arena.whenReturned(() -> called.add("second"));
        leased.get(0).release();
        tasks.forEach(Runnable::run);
        assertEquals(List.of("first"), called);
    }

    @Test
    void aLimitEndsWithTheLease() {
        ArenaBuf buf = arena.lease(4096);
        assertNotNull(buf);
        buf.limitData(100);
        buf.setIndex(buf.dataOffset(), buf.dataOffset());
        assertEquals(100, buf.writableBytes());
        buf.release();
        ArenaBuf again = arena.lease(4096);
        assertNotNull(again);
        assertEquals(BufferArena.HEAD_ROOM_BYTES + 4096, again.capacity());
    }
}
