package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class UnitLocksTest {
    private final UnitLocks locks = new UnitLocks();
    private final List<String> granted = new ArrayList<>();

    private UnitLocks.Waiter waiter(String name, boolean exclusive) {
        return new UnitLocks.Waiter() {
            @Override
            public boolean wantsExclusive() {
                return exclusive;
            }

            @Override
            public void granted() {
                granted.add(name);
            }
        };
    }

    @Test
    void sharedHoldersDoNotExcludeEachOther() {
        assertTrue(locks.tryShared(3));
        assertTrue(locks.acquire(3, waiter("b", false)));
        locks.releaseShared(3);
        locks.releaseShared(3);
        assertTrue(locks.isIdle());
    }

    @Test
    void anExclusiveHolderIsAlone() {
        assertTrue(locks.acquire(3, waiter("x", true)));
        assertFalse(locks.tryShared(3));
        assertFalse(locks.acquire(3, waiter("y", true)));
        assertTrue(locks.tryShared(4), "other stripes are free");
        locks.releaseShared(4);
        locks.releaseExclusive(3);
        assertEquals(List.of("y"), granted);
        locks.releaseExclusive(3);
        assertTrue(locks.isIdle());
    }

    @Test
    void newcomersQueueBehindAnExclusiveWaiterSoThatItIsNotStarved() {
        assertTrue(locks.tryShared(0));
        assertFalse(locks.acquire(0, waiter("x", true)));
        assertFalse(locks.tryShared(0));
        assertFalse(locks.acquire(0, waiter("s1", false)));
        assertFalse(locks.acquire(0, waiter("s2", false)));
        assertFalse(locks.acquire(0, waiter("y", true)));
        locks.releaseShared(0);
        assertEquals(List.of("x"), granted);
        locks.releaseExclusive(0);
        assertEquals(List.of("x", "s1", "s2"), granted, "those who can share go together");
        locks.releaseShared(0);
        assertEquals(3, granted.size());
        locks.releaseShared(0);
        assertEquals(List.of("x", "s1", "s2", "y"), granted);
        locks.releaseExclusive(0);
        assertTrue(locks.isIdle());
    }

    @Nested
    class WhoWithdraws {
        @Test
        void isNotCalledAnyMore() {
            UnitLocks.Waiter gone = waiter("gone", false);
            assertTrue(locks.acquire(3, waiter("x", true)));
            assertFalse(locks.acquire(3, gone));
            assertTrue(locks.withdraw(3, gone));
            locks.releaseExclusive(3);
            assertEquals(List.of(), granted);
            assertTrue(locks.isIdle());
        }

        @Test
        void letsThoseBehindShareWithTheHolders() {
            UnitLocks.Waiter gone = waiter("gone", true);
            assertTrue(locks.tryShared(3));
            assertFalse(locks.acquire(3, gone));
            assertFalse(locks.acquire(3, waiter("s", false)));
            assertFalse(locks.acquire(3, waiter("y", true)));
            assertTrue(locks.withdraw(3, gone));
            assertEquals(List.of("s"), granted);
            locks.releaseShared(3);
            locks.releaseShared(3);
            assertEquals(List.of("s", "y"), granted);
            locks.releaseExclusive(3);
            assertTrue(locks.isIdle());
        }

        @Test
        void isTooLateOnceTheStripeIsItsOwn() {
            UnitLocks.Waiter late = waiter("late", false);
            assertTrue(locks.acquire(3, waiter("x", true)));
            assertFalse(locks.acquire(3, late));
            locks.releaseExclusive(3);
            assertFalse(locks.withdraw(3, late));
            assertEquals(List.of("late"), granted);
            locks.releaseShared(3);
            assertTrue(locks.isIdle());
        }
    }

    @Nested
    class StripesOfAStretch {
        @Test
        void areThoseOfItsGroupsInAscendingOrder() {
            long[][] stretches = {{0, 1}, {65535, 2}, {0, 1 << 20}, {255L << 16, 3 << 16}, {5, Long.MAX_VALUE - 5}};
            for (long[] stretch : stretches) {
                int count = UnitLocks.stripeCount(stretch[0], stretch[1]);
                boolean[] seen = new boolean[256];
                int last = -1;
                for (int i = 0; i < count; i++) {
                    int stripe = UnitLocks.stripe(stretch[0], count, i);
                    assertTrue(stripe > last && stripe < 256);
                    last = stripe;
                    seen[stripe] = true;
                }
                assertTrue(seen[(int) (stretch[0] >>> 16) & 255]);
                assertTrue(seen[(int) ((stretch[0] + stretch[1] - 1) >>> 16) & 255]);
            }
            assertEquals(2, UnitLocks.stripeCount(65535, 2));
            assertEquals(256, UnitLocks.stripeCount(0, Long.MAX_VALUE));
        }
    }

    @Test
    void exclusionHoldsAndNobodyIsForgottenBetweenThreads() throws Exception {
        long seed = Long.getLong("blockseal.seed", 20261124L);
        System.out.println("UnitLocksTest seed=" + seed);
        int[] counter = new int[2];
        AtomicInteger sharers = new AtomicInteger();
        AtomicInteger violations = new AtomicInteger();
        int rounds = 20_000;
        Thread[] threads = new Thread[4];
        for (int t = 0; t < threads.length; t++) {
            Random random = new Random(seed + t);
            threads[t] = new Thread(() -> {
                Semaphore mine = new Semaphore(0);
                for (int i = 0; i < rounds; i++) {
                    boolean exclusive = random.nextInt(3) == 0;
                    UnitLocks.Waiter waiter = new UnitLocks.Waiter() {
                        @Override
                        public boolean wantsExclusive() {
                            return exclusive;
                        }

                        @Override
                        public void granted() {
                            mine.release();
                        }
                    };
                    boolean got = locks.acquire(7, waiter);
                    if (!got && random.nextInt(4) == 0 && locks.withdraw(7, waiter)) {
                        continue;
                    }
                    if (!got && !acquired(mine)) {
                        violations.incrementAndGet();
                        return;
                    }
                    if (exclusive) {
                        if (sharers.get() != 0) {
                            violations.incrementAndGet();
                        }
                        counter[0]++;
                        counter[1]++;
                        locks.releaseExclusive(7);
                    } else {
                        sharers.incrementAndGet();
                        if (counter[0] != counter[1]) {
                            violations.incrementAndGet();
                        }
                        sharers.decrementAndGet();
                        locks.releaseShared(7);
                    }
                }
            });
            threads[t].start();
        }
        for (Thread thread : threads) {
            thread.join(60_000);
            assertFalse(thread.isAlive(), "a waiter was forgotten");
        }
        assertEquals(0, violations.get());
        assertTrue(locks.isIdle());
    }

    private static boolean acquired(Semaphore mine) {
        try {
            return mine.tryAcquire(30, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            return false;
        }
    }
}
