package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.blockseal.memory.BufferArena;
import io.blockseal.memory.BufferBudget;
import io.blockseal.memory.JvmMemorySource;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** On a loop whose clock the test moves, with a turnstile behind which somebody always waits: there is no buffer at all. */
class StallWatchTest {
    private static final long TIMEOUT_MILLIS = 6_000;

    private final EmbeddedChannel channel = new EmbeddedChannel();
    private final BufferArena none =
            new BufferArena(channel.eventLoop(), Thread.currentThread(), new JvmMemorySource(), new BufferBudget(0));
    private final BufferTurnstile turnstile = new BufferTurnstile(none, channel.eventLoop());
    private final BufferTurnstile.Waiter waiter = this::tryAgain;
    private int tries;
    private final StallWatch watch = new StallWatch(channel.eventLoop(), turnstile);

    /** A client that sits on buffers. */
    private static class Sitting implements StallWatch.Holder {
        long progress;
        boolean holds = true;
        int cutOffs;

        @Override
        public boolean holdsForItsClient() {
            return holds;
        }

        @Override
        public long progress() {
            return progress;
        }

        @Override
        public void cutOff() {
            cutOffs++;
        }
    }

    private void tryAgain() {
        tries++;
        assertNull(turnstile.lease(waiter, 512));
    }

    @BeforeEach
    void somebodyWaits() {
        channel.freezeTime();
        assertNull(turnstile.lease(waiter, 512));
        watch.somebodyWaits(TIMEOUT_MILLIS);
    }

    @AfterEach
    void close() {
        channel.unfreezeTime();
        channel.close();
    }

    private void pass(long millis) {
        for (long passed = 0; passed < millis; passed += 500) {
            channel.advanceTimeBy(500, TimeUnit.MILLISECONDS);
            channel.runScheduledPendingTasks();
        }
    }

    private Sitting sitting() {
        Sitting holder = new Sitting();
        watch.add(holder);
        return holder;
    }

    @Test
    void cutsOffWhoHasNotMovedForTheWholeTimeAndNobodyElse() {
        Sitting stalled = sitting();
        Sitting slow = sitting();
        Sitting idle = sitting();
        idle.holds = false;
        for (int i = 0; i < 20; i++) {
            pass(TIMEOUT_MILLIS - 1_000);
            assertEquals(i == 0 ? 0 : 1, stalled.cutOffs, "after time number " + i);
            slow.progress++;
        }
        assertEquals(0, slow.cutOffs);
        assertEquals(0, idle.cutOffs);
    }

    /** There may be memory again, and no buffer that comes back to tell of it. */
    @Test
    void hasWhoWaitsTryAgain() {
        for (int i = 1; i <= 3; i++) {
            pass(TIMEOUT_MILLIS / 6);
            channel.runPendingTasks();
            assertEquals(i, tries);
        }
    }

    @Test
    void looksAtNobodyWhileThereAreBuffersForAll() {
        Sitting holder = sitting();
        turnstile.leave(waiter);
        pass(10 * TIMEOUT_MILLIS);
        assertEquals(0, holder.cutOffs);
        assertNull(turnstile.lease(waiter, 512));
        watch.somebodyWaits(TIMEOUT_MILLIS);
        pass(2 * TIMEOUT_MILLIS);
        assertEquals(1, holder.cutOffs, "but does when somebody waits again");
    }

    /** One client whose end goes wrong must not shield all the others who sit on buffers. */
    @Test
    void aCutThatFailsKeepsNeitherTheOthersNorLaterOnesFromBeingCutOff() {
        Sitting broken = new Sitting() {
            @Override
            public void cutOff() {
                super.cutOff();
                throw new IllegalStateException("a defect");
            }
        };
        watch.add(broken);
        Sitting second = sitting();
        pass(2 * TIMEOUT_MILLIS);
        assertEquals(1, broken.cutOffs);
        assertEquals(1, second.cutOffs);
        Sitting later = sitting();
        pass(2 * TIMEOUT_MILLIS);
        assertEquals(1, later.cutOffs);
        assertEquals(1, broken.cutOffs);
    }
}
