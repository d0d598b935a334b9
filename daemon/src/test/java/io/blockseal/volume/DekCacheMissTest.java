package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.Memory;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.metrics.DekCacheMetrics;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.MemoryStore;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A guest that reads all over a large volume misses at every request: that must cost neither garbage nor waiting. */
class DekCacheMissTest {
    private static final int RANGES = 62;
    private static final int CAPACITY = 7;
    private static final int MISSES = 20_000;
    private static final int ROUNDS = 4;

    private VolumeFixture fixture;
    private ShimMemorySource memory;

    @BeforeEach
    void needsTheNativeEngine() {
        ShimLibrary library = ShimLibrary.open();
        assumeTrue(library.shim() != null, () -> "no native library: " + library.reason());
        Shim shim = Objects.requireNonNull(library.shim());
        memory = new ShimMemorySource(shim);
        fixture = new VolumeFixture(new NativeCryptoEngine(shim), memory);
    }

    @Test
    void missesOfTwoLoopsAllocateNothingAndGiveTheRightKeys() throws Exception {
        MemoryStore store = fixture.create(RANGES);
        OpenOptions options = new OpenOptions(false, null, -1, false, false, CAPACITY);
        try (CryptoEngine engine = fixture.engine();
                Volume volume = fixture.open(store, options)) {
            long[] expected = new long[RANGES];
            Memory unit = memory.map(VolumeFixture.UNIT);
            try (LruDekCache oracle = new LruDekCache(
                    engine, volume.keys(), volume.table(), new DekCacheMetrics(), RANGES, DekRoom.UNBOUNDED)) {
                for (int range = 0; range < RANGES; range++) {
                    assertEquals(Errno.OK, VolumeFixture.allocate(volume, range));
                    expected[range] = enciphered(volume, unit, oracle.keyFor(range, volume.word(range)));
                }
            }
            ExecutorService loops = Executors.newFixedThreadPool(2);
            try {
                List<Future<Long>> loopBytes = new ArrayList<>();
                for (int stride : new int[] {1, 37}) {
                    loopBytes.add(loops.submit(() -> leastGarbage(volume, expected, stride)));
                }
                for (Future<Long> bytes : loopBytes) {
                    assertTrue(bytes.get() < MISSES, bytes.get() + " bytes in " + MISSES + " misses");
                }
            } finally {
                loops.shutdown();
            }
            assertEquals(2L * ROUNDS * MISSES, volume.dekCacheMetrics().misses(), "every look-up was to miss");
            assertEquals(0, volume.dekCacheMetrics().hits());
        }
    }

    /** Of several rounds, as the first ones load and compile; every stride visits all ranges before it repeats one. */
    private long leastGarbage(Volume volume, long[] expected, int stride) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Memory unit = memory.map(VolumeFixture.UNIT);
        int[] slots = new int[CAPACITY];
        long least = Long.MAX_VALUE;
        int range = 0;
        try (DekCache cache = volume.openCache()) {
            for (int round = 0; round < ROUNDS; round++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < MISSES; i++) {
                    int key = cache.keyFor(range, volume.word(range));
                    if (key == 0 || !isOneOf(slots, key) || enciphered(volume, unit, key) != expected[range]) {
                        throw new AssertionError(
                                "miss " + i + " of range " + range + " gave a wrong key, or a new slot");
                    }
                    range = (range + stride) % RANGES;
                }
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
            }
        }
        return least;
    }

    /** Whether the key is in one of the first slots that were seen, of which there are as many as the cache has. */
    private static boolean isOneOf(int[] slots, int key) {
        for (int i = 0; i < slots.length; i++) {
            if (slots[i] == 0) {
                slots[i] = key;
            }
            if (slots[i] == key) {
                return true;
            }
        }
        return false;
    }

    /** What the key makes of a unit that is the same each time: its first eight bytes. */
    private static long enciphered(Volume volume, Memory unit, int key) {
        unit.bytes().putLong(0, 0x0123456789abcdefL);
        unit.bytes().putLong(8, 42);
        volume.xts().encrypt(key, unit, 0, 512, 3, 1);
        return unit.bytes().getLong(0);
    }
}
