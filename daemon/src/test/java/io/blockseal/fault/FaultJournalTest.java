package io.blockseal.fault;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the crash suite builds on: that the states it tries are those that a disk can be found in, and all of those. */
class FaultJournalTest {
    private final FaultJournal journal = new FaultJournal();
    private final FaultStore store = journal.newStore("one", 1 << 20);
    private final FaultStore other = journal.newStore("two", 1 << 20);

    private static byte[] block(int fill, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) fill);
        return bytes;
    }

    private static void write(FaultStore to, long offset, int fill, int length) throws Exception {
        to.write(offset, ByteBuffer.wrap(block(fill, length)));
    }

    private FaultStore after(int count, int torn, Unflushed... policies) {
        return journal.after(new PowerCut(count, torn, List.of(policies), 1))
                .stores()
                .get(0);
    }

    private FaultStore after(int count, Unflushed policy) {
        return after(count, 0, policy, policy);
    }

    @Test
    void whatWasFlushedIsThereUnderEveryPolicy() throws Exception {
        write(store, 0, 1, 4096);
        store.flush();
        for (Unflushed policy : Unflushed.values()) {
            assertArrayEquals(block(1, 4096), after(2, policy).peek(0, 4096), policy.name());
        }
    }

    @Test
    void aFlushOfOneStoreIsNoneOfTheOther() throws Exception {
        write(store, 0, 1, 512);
        other.flush();
        assertArrayEquals(block(0, 512), after(2, Unflushed.LOST).peek(0, 512));
        assertArrayEquals(
                block(1, 512), after(2, 0, Unflushed.KEPT, Unflushed.LOST).peek(0, 512));
    }

    @Test
    void aTornWriteIsThereAsFarAsItCame() throws Exception {
        write(store, 100, 1, 2000);
        FaultStore found = after(0, 512, Unflushed.LOST, Unflushed.LOST);
        assertArrayEquals(block(1, 512), found.peek(100, 512));
        assertArrayEquals(block(0, 1488), found.peek(612, 1488));
    }

    @Test
    void fuaIsDurableByItselfAndNothingOlderLandsOnIt() throws Exception {
        write(store, 0, 1, 512);
        write(store, 512, 1, 512);
        store.disturb((operation, disk) ->
                disk.perform(Operation.write(operation.store(), operation.offset(), operation.data(), true)));
        write(store, 0, 2, 512);
        for (int seed = 0; seed < 50; seed++) {
            for (Unflushed policy : Unflushed.values()) {
                PowerCut cut = new PowerCut(3, 0, List.of(policy, policy), seed);
                FaultStore found = journal.after(cut).stores().get(0);
                assertArrayEquals(block(2, 512), found.peek(0, 512), cut.describe());
            }
        }
        assertArrayEquals(block(0, 512), after(3, Unflushed.LOST).peek(512, 512));
    }

    @Test
    void choosingPoliciesReachEveryCombination() throws Exception {
        write(store, 0, 1, 512);
        write(store, 512, 2, 512);
        Set<String> some = new HashSet<>();
        Set<String> reordered = new HashSet<>();
        for (int seed = 0; seed < 200; seed++) {
            some.add(contents(Unflushed.SOME, seed, 1024));
            reordered.add(contents(Unflushed.REORDERED, seed, 1024));
        }
        assertEquals(4, some.size());
        assertEquals(4, reordered.size());
    }

    @Test
    void reorderingMayLeaveTheEarlierOfTwoAndSectorsAMixture() throws Exception {
        write(store, 0, 1, 1024);
        write(store, 0, 2, 1024);
        Set<String> reordered = new HashSet<>();
        Set<String> sectors = new HashSet<>();
        for (int seed = 0; seed < 200; seed++) {
            reordered.add(contents(Unflushed.REORDERED, seed, 1024));
            sectors.add(contents(Unflushed.SECTORS, seed, 1024));
        }
        assertEquals(3, reordered.size(), "none, the first, the second");
        assertEquals(9, sectors.size(), "each of the two sectors is of none, the first or the second");
    }

    private String contents(Unflushed policy, int seed, int length) {
        PowerCut cut = new PowerCut(journal.position(), 0, List.of(policy, policy), seed);
        return Arrays.toString(journal.after(cut).stores().get(0).peek(0, length));
    }

    @Test
    void whatAFailedFlushLostStaysLostWhateverIsFlushedLater() throws Exception {
        write(store, 0, 1, 512);
        store.disturb((operation, disk) -> disk.perform(Operation.loss(operation.store())));
        store.flush();
        store.disturb(Disturbance.NONE);
        write(store, 512, 2, 512);
        store.flush();
        assertEquals(1, store.lossCount());
        assertArrayEquals(block(1, 512), store.peek(0, 512), "the system still shows it");
        assertArrayEquals(block(0, 512), after(4, Unflushed.LOST).peek(0, 512));
        assertArrayEquals(block(2, 512), after(4, Unflushed.LOST).peek(512, 512));
        store.dropCache(0, 4096);
        assertArrayEquals(block(0, 512), store.peek(0, 512), "the disk's truth");
        assertArrayEquals(block(2, 512), store.peek(512, 512));
    }

    @Test
    void statesShareBytesAndChangeNoOther() throws Exception {
        write(store, 0, 1, 4096);
        journal.restart();
        FaultJournal one = journal.fork();
        long before = journal.contentHash();
        assertEquals(before, one.contentHash());
        write(one.stores().get(0), 0, 2, 512);
        assertNotEquals(before, one.contentHash());
        assertEquals(before, journal.contentHash());
    }

    @Test
    void growthThatWasNotFlushedMayBeLost() throws Exception {
        store.grow(2 << 20);
        assertEquals(1 << 20, after(1, Unflushed.LOST).sizeBytes());
        assertEquals(2 << 20, after(1, Unflushed.KEPT).sizeBytes());
    }
}
