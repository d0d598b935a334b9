package io.blockseal.shim;

import static io.blockseal.shim.ShimFixture.bytesOf;
import static io.blockseal.shim.ShimFixture.key;
import static io.blockseal.shim.ShimFixture.offHeap;
import static io.blockseal.shim.ShimFixture.randomKey;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** A key that outlives its slot, or a slot that serves two keys, would be a leak or a lost volume. */
class KeySlotTest {
    private final Shim shim = ShimFixture.shim();

    @Test
    void keepsWhatWasSet() {
        byte[] bytes = new byte[64];
        new Random(1).nextBytes(bytes);
        int handle = key(shim, bytes);
        assertArrayEquals(bytes, bytesOf(shim, handle, 64));
        assertArrayEquals(Arrays.copyOf(bytes, 32), bytesOf(shim, handle, 32));
        assertEquals(64, shim.keyLength(handle));
        shim.keySet(handle, offHeap(bytes).address(), 16);
        OffHeap out = OffHeap.allocate(64);
        assertEquals(ShimError.KEY_EMPTY, shim.keyGet(handle, out.address(), 64), "the rest of the longer key is gone");
        shim.keyFree(handle);
    }

    @Test
    void refusesAFreedHandleForEver() {
        int handle = randomKey(shim, 32);
        assertEquals(0, shim.keyFree(handle));
        OffHeap out = OffHeap.allocate(32);
        assertEquals(ShimError.KEY_STALE, shim.keyGet(handle, out.address(), 32));
        assertEquals(ShimError.KEY_STALE, shim.keySet(handle, out.address(), 32));
        assertEquals(ShimError.KEY_STALE, shim.keyFree(handle));
        // Until its slot has come round and serves another key.
        Set<Integer> seen = new HashSet<>();
        for (int i = 0; i <= shim.keyCapacity(); i++) {
            int other = randomKey(shim, 32);
            assertTrue(seen.add(other));
            assertNotEquals(handle, other);
            shim.keyFree(other);
        }
        assertEquals(ShimError.KEY_STALE, shim.keyGet(handle, out.address(), 32));
    }

    @Test
    void saysWhenEverySlotIsTaken() {
        int free = shim.keyCapacity() - shim.keyCount();
        int[] handles = new int[free];
        for (int i = 0; i < free; i++) {
            handles[i] = shim.keyNew();
            assertTrue(handles[i] >= 1);
        }
        assertEquals(ShimError.NO_SLOT, shim.keyNew());
        for (int handle : handles) {
            assertEquals(0, shim.keyFree(handle));
        }
        int again = shim.keyNew();
        assertTrue(again >= 1);
        assertEquals(
                ShimError.KEY_EMPTY, shim.keyGet(again, OffHeap.allocate(32).address(), 1), "a new slot is empty");
        shim.keyFree(again);
    }

    @Test
    void randomKeysDifferAndComparisonSeesIt() {
        int first = randomKey(shim, 64);
        int second = randomKey(shim, 64);
        assertEquals(0, shim.keyEqual(first, second, 64));
        assertEquals(1, shim.keyEqual(first, first, 64));
        byte[] bytes = bytesOf(shim, first, 64);
        assertFalse(Arrays.equals(Arrays.copyOf(bytes, 32), Arrays.copyOfRange(bytes, 32, 64)));
        bytes[63] ^= 1;
        int third = key(shim, bytes);
        assertEquals(0, shim.keyEqual(first, third, 64));
        assertEquals(1, shim.keyEqual(first, third, 63));
        shim.keyFree(first);
        shim.keyFree(second);
        shim.keyFree(third);
    }

    @Test
    void lockedMemoryIsSeenByTheKernel() throws IOException {
        int protection = shim.protection();
        long locked = 0;
        boolean withGuards = false;
        String range = "";
        long sizeKib = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                range = line;
            } else if (line.startsWith("Size:")) {
                sizeKib = Long.parseLong(line.replaceAll("[^0-9]", ""));
            } else if (line.startsWith("VmFlags:") && line.contains(" dd") && line.contains(" dc")) {
                assertEquals((protection & Shim.SLOTS_LOCKED) != 0, line.contains(" lo"), range + " " + line);
                locked += sizeKib;
                withGuards |= range.contains("rw-p");
            }
        }
        long expected = shim.keyCapacity() * 64L / 1024 + 3 * 1024;
        assertTrue(locked >= expected && withGuards, locked + " KiB are kept from dumps and children, not " + expected);
        assertTrue(locked < 8 * 1024, locked + " KiB would not fit the usual limit");
        assertEquals(Shim.UNDUMPABLE | Shim.NO_FORK, protection & (Shim.UNDUMPABLE | Shim.NO_FORK));
    }

    @Test
    void aKeyChangedUnderUseNeverGivesAMixture() throws InterruptedException {
        byte[] a = new byte[64];
        byte[] b = new byte[64];
        new Random(2).nextBytes(a);
        new Random(3).nextBytes(b);
        int handle = key(shim, a);
        byte[] withA = enciphered(handle);
        shim.keySet(handle, offHeap(b).address(), 64);
        byte[] withB = enciphered(handle);

        AtomicBoolean stop = new AtomicBoolean();
        Thread changer = new Thread(() -> {
            OffHeap keyA = offHeap(a);
            OffHeap keyB = offHeap(b);
            while (!stop.get()) {
                shim.keySet(handle, keyA.address(), 64);
                shim.keySet(handle, keyB.address(), 64);
            }
        });
        changer.start();
        int refused = 0;
        try {
            OffHeap unit = OffHeap.allocate(512);
            for (int i = 0; i < 100_000; i++) {
                unit.wipe();
                long result = shim.xtsEncrypt(handle, unit.address(), 9, 1, 512);
                if (result == 0) {
                    byte[] found = unit.get(0, 512);
                    assertTrue(Arrays.equals(found, withA) || Arrays.equals(found, withB), "round " + i);
                } else {
                    assertTrue(result == ShimError.KEY_STALE || result == ShimError.KEY_EMPTY, "result " + result);
                    assertArrayEquals(new byte[512], unit.get(0, 512), "refused, so nothing was done");
                    refused++;
                }
            }
        } finally {
            stop.set(true);
            changer.join();
            shim.keyFree(handle);
        }
        assertTrue(refused < 100_000, "never once was there a key");
    }

    private byte[] enciphered(int handle) {
        OffHeap unit = OffHeap.allocate(512);
        assertEquals(0, shim.xtsEncrypt(handle, unit.address(), 9, 1, 512));
        return unit.get(0, 512);
    }

    @Test
    void schedulesAreWipedWithTheirKeys() throws InterruptedException {
        // Measured by what the pool still holds. Slots are chosen so that none of these keys evicts another.
        shim.threadForget();
        Thread other = new Thread(() -> {
            long before = shim.poolUsed();
            OffHeap unit = OffHeap.allocate(512);
            int handle = randomKey(shim, 64);
            shim.xtsEncrypt(handle, unit.address(), 0, 1, 512);
            shim.xtsDecrypt(handle, unit.address(), 0, 1, 512);
            long filled = shim.poolUsed();
            assertTrue(filled > before);
            shim.keyFree(handle);
            assertTrue(shim.poolUsed() <= filled - 2 * 480, "two expanded keys are 480 bytes each, at least");
        });
        AtomicBoolean failed = new AtomicBoolean();
        other.setUncaughtExceptionHandler((thread, e) -> {
            e.printStackTrace();
            failed.set(true);
        });
        other.start();
        other.join();
        assertFalse(failed.get());
    }
}
