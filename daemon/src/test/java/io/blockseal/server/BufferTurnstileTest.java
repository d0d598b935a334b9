package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import io.blockseal.memory.BufferBudget;
import io.blockseal.memory.JvmMemorySource;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** With buffers of one slab, of which one never comes back: a store has it, and hangs. */
class BufferTurnstileTest {
    private static final int SMALL = 64 << 10;

    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final BufferArena arena = new BufferArena(
            tasks::add,
            Thread.currentThread(),
            new JvmMemorySource(),
            new BufferBudget(BufferArena.occupiedBytes(BufferArena.MAX_DATA_BYTES)));
    private final BufferTurnstile turnstile = new BufferTurnstile(arena, tasks::add);

    /** Wants one buffer. */
    private final class Client implements BufferTurnstile.Waiter {
        private int bytes;
        private @Nullable ArenaBuf has;

        Client(int bytes) {
            this.bytes = bytes;
        }

        @Override
        public void buffersMayBeFree() {
            has = turnstile.lease(this, bytes);
        }
    }

    private final Client large = new Client(BufferArena.MAX_DATA_BYTES);
    private final Client small = new Client(SMALL);

    @BeforeEach
    void oneWaitsForAllAndAnotherBehindIt() {
        assertNotNull(arena.lease(SMALL));
        large.buffersMayBeFree();
        small.buffersMayBeFree();
        turn();
        assertNull(large.has);
        assertNull(small.has);
    }

    private void turn() {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
        }
    }

    @Test
    void whoIsBehindOneThatLeavesTriesAtOnce() {
        turnstile.leave(large);
        turn();
        assertNotNull(small.has);
        assertFalse(turnstile.isContended());
    }

    @Test
    void whoIsBehindOneThatIsContentWithLessTriesAtOnce() {
        large.bytes = SMALL;
        large.buffersMayBeFree();
        assertNotNull(large.has);
        turn();
        assertNotNull(small.has);
    }

    @Test
    void whoLeavesFromTheMiddleCallsNobody() {
        turnstile.leave(small);
        assertEquals(0, tasks.size());
    }

    @Test
    void whoWaitsForWhatIsOutDoesNotGiveUp() {
        assertFalse(turnstile.gaveUp(large));
        assertFalse(turnstile.gaveUp(small));
    }

    /** Or it would wait for ever, and all others behind it. */
    @Test
    void whereNothingIsOutNobodyWaits() {
        BufferArena empty =
                new BufferArena(tasks::add, Thread.currentThread(), new JvmMemorySource(), new BufferBudget(0));
        BufferTurnstile hopeless = new BufferTurnstile(empty, tasks::add);
        boolean[] gaveUp = {false};
        BufferTurnstile.Waiter second = new BufferTurnstile.Waiter() {
            @Override
            public void buffersMayBeFree() {
                assertNull(hopeless.lease(this, SMALL));
                gaveUp[0] = hopeless.gaveUp(this);
            }
        };
        assertNull(hopeless.lease(small, SMALL));
        second.buffersMayBeFree();
        assertFalse(gaveUp[0], "it is not its turn");
        assertTrue(hopeless.gaveUp(small));
        turn();
        assertTrue(gaveUp[0]);
        assertFalse(hopeless.isContended());
    }

    @Test
    void nobodyOvertakes() {
        Client other = new Client(SMALL);
        other.buffersMayBeFree();
        turnstile.leave(large);
        turnstile.leave(other);
        turn();
        assertNotNull(small.has);
        assertNull(other.has);
    }
}
