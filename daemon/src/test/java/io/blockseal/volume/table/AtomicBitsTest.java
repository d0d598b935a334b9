package io.blockseal.volume.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.Random;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;

class AtomicBitsTest {
    private static final int COUNT = 200;

    @Test
    void isLikeASetOfNumbers() {
        long seed = Long.getLong("blockseal.seed", new Random().nextLong());
        System.out.println("AtomicBitsTest seed=" + seed);
        Random random = new Random(seed);
        AtomicBits bits = new AtomicBits(COUNT);
        BitSet model = new BitSet(COUNT);
        for (int step = 0; step < 20_000; step++) {
            int index = random.nextInt(COUNT);
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    bits.set(index);
                    model.set(index);
                }
                case 2 -> {
                    assertEquals(model.get(index), bits.take(index));
                    model.clear(index);
                }
                default -> {
                    int expected = model.nextSetBit(index);
                    assertEquals(expected, bits.takeFrom(index));
                    if (expected >= 0) {
                        model.clear(expected);
                    }
                }
            }
            assertEquals(model.cardinality(), bits.count());
        }
    }

    @Test
    void endsBehindTheLastWord() {
        AtomicBits bits = new AtomicBits(128);
        bits.set(127);
        assertFalse(bits.take(126));
        assertEquals(127, bits.takeFrom(0));
        assertEquals(-1, bits.takeFrom(0));
        assertEquals(-1, bits.takeFrom(128));
    }

    @Test
    void givesEachBitToOneTaker() throws Exception {
        AtomicBits bits = new AtomicBits(COUNT);
        for (int i = 0; i < COUNT; i++) {
            bits.set(i);
        }
        AtomicIntegerArray taken = new AtomicIntegerArray(COUNT);
        Thread[] takers = new Thread[4];
        for (int t = 0; t < takers.length; t++) {
            boolean inOrder = t % 2 == 0;
            takers[t] = new Thread(() -> {
                for (int i = 0; i < COUNT; i++) {
                    long index = inOrder ? bits.takeFrom(0) : bits.take(COUNT - 1 - i) ? COUNT - 1 - i : -1;
                    if (index >= 0) {
                        taken.incrementAndGet((int) index);
                    }
                }
            });
            takers[t].start();
        }
        for (Thread taker : takers) {
            taker.join();
        }
        for (int i = 0; i < COUNT; i++) {
            assertEquals(1, taken.get(i), "bit " + i);
        }
        assertTrue(bits.count() == 0);
    }
}
