package io.blockseal.shim;

import static io.blockseal.shim.ShimFixture.hex;
import static io.blockseal.shim.ShimFixture.key;
import static io.blockseal.shim.ShimFixture.randomKey;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** If any of this broke, volumes would be unreadable, or readable by others. */
class XtsTest {
    final Shim shim = library();

    /** The one of the process; a subclass tests another. */
    Shim library() {
        return ShimFixture.shim();
    }

    private static byte[] pattern(int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) i;
        }
        return bytes;
    }

    @Test
    void matchesTheVectorsOfTheStandard() throws IOException {
        int seen = 0;
        for (Map<String, String> vector : vectors("/vectors/ieee1619-xts-aes-256.txt")) {
            int handle = key(shim, vector.get("key"));
            OffHeap unit = ShimFixture.offHeap(pattern(512));
            long number = Long.parseLong(vector.get("unit"), 16);
            assertEquals(0, shim.xtsEncrypt(handle, unit.address(), number, 1, 512));
            assertArrayEquals(hex(vector.get("cipher")), unit.get(0, 512), "vector " + vector.get("vector"));
            assertEquals(0, shim.xtsDecrypt(handle, unit.address(), number, 1, 512));
            assertArrayEquals(pattern(512), unit.get(0, 512), "vector " + vector.get("vector"));
            shim.keyFree(handle);
            seen++;
        }
        assertEquals(5, seen);
    }

    private static List<Map<String, String>> vectors(String resource) throws IOException {
        List<Map<String, String>> vectors = new ArrayList<>();
        try (InputStream in = XtsTest.class.getResourceAsStream(resource)) {
            Map<String, String> vector = new TreeMap<>();
            for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
                String[] parts = line.split(" = ");
                if (parts.length == 2) {
                    vector.put(parts[0], parts[1]);
                }
                if (vector.size() == 4) {
                    vectors.add(vector);
                    vector = new TreeMap<>();
                }
            }
        }
        return vectors;
    }

    @Test
    void unitsHaveConsecutiveTweaks() {
        int handle = randomKey(shim, 64);
        for (int unitBytes : new int[] {512, 528, 4096, 1 << 20}) {
            OffHeap together = ShimFixture.offHeap(pattern(3 * unitBytes));
            OffHeap apart = ShimFixture.offHeap(pattern(3 * unitBytes));
            long first = (1L << 40) - 2;
            assertEquals(0, shim.xtsEncrypt(handle, together.address(), first, 3, unitBytes));
            for (int i = 2; i >= 0; i--) {
                assertEquals(0, shim.xtsEncrypt(handle, apart.address(i * unitBytes), first + i, 1, unitBytes));
            }
            assertArrayEquals(together.get(0, together.length()), apart.get(0, apart.length()));
        }
        shim.keyFree(handle);
    }

    @Test
    void touchesNothingOutside() {
        int handle = randomKey(shim, 64);
        OffHeap buffer = ShimFixture.offHeap(pattern(4 * 512));
        assertEquals(0, shim.xtsEncrypt(handle, buffer.address(512), 7, 2, 512));
        assertArrayEquals(pattern(512), buffer.get(0, 512));
        assertArrayEquals(pattern(512), buffer.get(3 * 512, 512));
        shim.keyFree(handle);
    }

    @Test
    void refusesAKeyWithEqualHalves() {
        byte[] half = pattern(32);
        byte[] twice = Arrays.copyOf(half, 64);
        System.arraycopy(half, 0, twice, 32, 32);
        int handle = key(shim, twice);
        OffHeap unit = ShimFixture.offHeap(pattern(512));
        assertEquals(ShimError.KEY_REJECTED, shim.xtsEncrypt(handle, unit.address(), 0, 1, 512));
        assertEquals(ShimError.KEY_REJECTED, shim.xtsDecrypt(handle, unit.address(), 0, 1, 512));
        assertArrayEquals(pattern(512), unit.get(0, 512));
        shim.keyFree(handle);
    }

    @Test
    void refusesEmptyShortAndFreedKeysAndLeavesTheBuffer() {
        OffHeap unit = ShimFixture.offHeap(pattern(512));
        int handle = shim.keyNew();
        assertEquals(ShimError.KEY_EMPTY, shim.xtsEncrypt(handle, unit.address(), 0, 1, 512));
        shim.keyRandom(handle, 32);
        assertEquals(ShimError.KEY_EMPTY, shim.xtsEncrypt(handle, unit.address(), 0, 1, 512));
        shim.keyRandom(handle, 64);
        shim.keyFree(handle);
        assertEquals(ShimError.KEY_STALE, shim.xtsEncrypt(handle, unit.address(), 0, 1, 512));
        assertArrayEquals(pattern(512), unit.get(0, 512));
    }

    @Test
    void refusesSizesThatAreNoUnits() {
        int handle = randomKey(shim, 64);
        long address = OffHeap.allocate(4096).address();
        for (int unitBytes : new int[] {0, -512, 8, 24, 513, 520, (1 << 20) + 16}) {
            assertEquals(ShimError.INVALID, shim.xtsEncrypt(handle, address, 0, 1, unitBytes), "unit " + unitBytes);
        }
        assertEquals(ShimError.INVALID, shim.xtsEncrypt(handle, address, -1, 1, 512));
        assertEquals(ShimError.INVALID, shim.xtsEncrypt(handle, address, 0, -1, 512));
        assertEquals(ShimError.INVALID, shim.xtsEncrypt(handle, address, 0, Long.MAX_VALUE / 256, 512));
        assertEquals(ShimError.INVALID, shim.xtsEncrypt(handle, address, Long.MAX_VALUE, 1, 512));
        assertEquals(0, shim.xtsEncrypt(handle, address, 0, 0, 512));
        shim.keyFree(handle);
    }

    @Nested
    class UnitsOfZeros {
        @Test
        void stayZerosAndAreCountedWhenDeciphering() {
            int handle = randomKey(shim, 64);
            OffHeap units = ShimFixture.offHeap(pattern(4 * 512));
            assertEquals(0, shim.xtsEncrypt(handle, units.address(), 0, 4, 512));
            units.put(512, new byte[512]).put(3 * 512, new byte[512]);
            assertEquals(2, shim.xtsDecryptSparse(handle, units.address(), 0, 4, 512));
            assertArrayEquals(pattern(512), units.get(0, 512));
            assertArrayEquals(new byte[512], units.get(512, 512));
            assertArrayEquals(pattern(512), units.get(2 * 512, 512));
            assertArrayEquals(new byte[512], units.get(3 * 512, 512));
            shim.keyFree(handle);
        }

        @Test
        void areOnlyThoseWithoutAnyOtherByte() {
            int handle = randomKey(shim, 64);
            for (int at : new int[] {0, 15, 16, 31, 4095}) {
                OffHeap unit = OffHeap.allocate(4096).putByte(at, 1);
                assertEquals(0, shim.xtsDecryptSparse(handle, unit.address(), 0, 1, 4096));
                assertFalse(Arrays.equals(new byte[16], unit.get(at / 16 * 16, 16)), "byte " + at);
            }
            shim.keyFree(handle);
        }

        @Test
        void areReportedWhenTheyComeOutOfEnciphering() {
            // The plaintext that becomes zeros is what zeros decipher to.
            int handle = randomKey(shim, 64);
            OffHeap units = OffHeap.allocate(3 * 512);
            assertEquals(0, shim.xtsDecrypt(handle, units.address(512), 11, 1, 512));
            assertEquals(1, shim.xtsEncrypt(handle, units.address(), 10, 3, 512));
            assertArrayEquals(new byte[512], units.get(512, 512));
            assertEquals(0, shim.xtsDecrypt(handle, units.address(), 10, 3, 512));
            units.putByte(1023, units.getByte(1023) ^ 1);
            assertEquals(0, shim.xtsEncrypt(handle, units.address(), 10, 3, 512));
            shim.keyFree(handle);
        }
    }

    @Nested
    class WithManyThreads {
        private static final int THREADS = 6;
        private static final int ROUNDS = 3_000;
        // More keys than a thread keeps schedules for, so that they are replaced all the time.
        private static final int KEYS = 150;

        @Test
        void everyoneGetsWhatOneThreadAloneGets() throws Exception {
            int[] handles = new int[KEYS];
            byte[][] expected = new byte[KEYS][];
            for (int i = 0; i < KEYS; i++) {
                handles[i] = randomKey(shim, 64);
                OffHeap unit = ShimFixture.offHeap(pattern(1024));
                assertEquals(0, shim.xtsEncrypt(handles[i], unit.address(), i, 2, 512));
                expected[i] = unit.get(0, 1024);
            }
            CountDownLatch start = new CountDownLatch(1);
            ExecutorService pool = Executors.newFixedThreadPool(THREADS);
            List<Future<?>> results = new ArrayList<>();
            for (int t = 0; t < THREADS; t++) {
                long seed = 4711 + t;
                results.add(pool.submit(() -> {
                    start.await();
                    hammer(seed, handles, expected);
                    return null;
                }));
            }
            start.countDown();
            for (Future<?> result : results) {
                result.get();
            }
            pool.shutdown();
            for (int handle : handles) {
                assertEquals(0, shim.keyFree(handle));
            }
        }

        private void hammer(long seed, int[] handles, byte[][] expected) {
            Random random = new Random(seed);
            for (int round = 0; round < ROUNDS; round++) {
                int i = random.nextInt(KEYS);
                OffHeap unit = ShimFixture.offHeap(pattern(1024));
                assertEquals(0, shim.xtsEncrypt(handles[i], unit.address(), i, 2, 512), "seed " + seed);
                assertArrayEquals(expected[i], unit.get(0, 1024), "seed " + seed + " key " + i);
                assertEquals(0, shim.xtsDecrypt(handles[i], unit.address(), i, 2, 512));
                assertArrayEquals(pattern(1024), unit.get(0, 1024), "seed " + seed + " key " + i);
                if (round % 64 == 0) {
                    // Frees in one thread wipe schedules in all others, in the middle of their work.
                    int own = randomKey(shim, 64);
                    assertEquals(0, shim.xtsEncrypt(own, unit.address(), 0, 2, 512));
                    assertEquals(0, shim.keyFree(own));
                }
            }
        }
    }
}
