package io.blockseal.crypto.java;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** A schedule made of half a key would encipher under a key that nobody has: what it wrote could never be read. */
class HeapKeyTest {
    private static final long SEED = 20_261_124;

    private final Random random = new Random(SEED);

    private byte[] keyBytes() {
        byte[] bytes = new byte[64];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Were it the same, a schedule made while the bytes were on their way would count as made of the new key. */
    @Test
    void hasAnotherVersionBeforeItsNewBytesArriveThanAfter() {
        HeapKey key = new HeapKey(1);
        byte[] bytes = keyBytes();
        key.clear();
        int cleared = key.version();
        key.fill(bytes, 0, 64);
        int versionWhileFilling = cleared + 1;
        assertTrue(key.version() > versionWhileFilling, "one change before the bytes arrive, one after");
    }

    @Test
    void outdatesTheScheduleOfTheKeyBefore() {
        HeapKey key = new HeapKey(1);
        key.fill(keyBytes(), 0, 64);
        XtsSchedule schedule = new XtsSchedule();
        schedule.rekey(key);
        assertTrue(schedule.isOf(key));
        key.fill(keyBytes(), 0, 64);
        assertFalse(schedule.isOf(key));
        schedule.rekey(key);
        key.clear();
        assertFalse(schedule.isOf(key));
    }
}
