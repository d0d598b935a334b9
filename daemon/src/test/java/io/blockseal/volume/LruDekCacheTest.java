package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.format.TablePage;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.metrics.DekCacheMetrics;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class LruDekCacheTest {
    private static final long SEED = 20_261_124;

    private final VolumeFixture fixture = new VolumeFixture();

    private Volume openWithCacheOf(int keys) throws Exception {
        MemoryStore store = fixture.create(62);
        Volume volume = fixture.opener()
                .open(
                        VolumeStores.inBand(store),
                        List.of(fixture.key(1)),
                        new OpenOptions(false, null, -1, false, false, keys));
        VolumeFixture.allocate(volume, 0);
        VolumeFixture.allocate(volume, 31);
        return volume;
    }

    @Test
    void givesTheRightKeyInWhateverOrderRangesAreAsked() throws Exception {
        try (Volume small = openWithCacheOf(5);
                DekCache cache = small.openCache()) {
            // The oracle: a cache so large that nothing is ever evicted.
            LruDekCache oracle = new LruDekCache(
                    fixture.engine(), small.keys(), small.table(), new DekCacheMetrics(), 62, DekRoom.UNBOUNDED);
            Map<Long, Integer> keys = new HashMap<>();
            for (long range = 0; range < 62; range++) {
                keys.put(range, oracle.keyFor(range, small.word(range)));
            }
            Random random = new Random(SEED);
            for (int i = 0; i < 5000; i++) {
                long range = random.nextInt(10) < 7 ? random.nextInt(6) : random.nextInt(62);
                int key = cache.keyFor(range, small.word(range));
                assertTrue(fixture.engine().keys().same(key, keys.get(range)), "seed " + SEED + ", step " + i);
            }
            oracle.close();
        }
    }

    @Test
    void keepsWhatWasUsedLast() throws Exception {
        try (Volume volume = openWithCacheOf(3);
                DekCache cache = volume.openCache()) {
            int first = cache.keyFor(0, volume.word(0));
            cache.keyFor(1, volume.word(1));
            cache.keyFor(2, volume.word(2));
            assertEquals(first, cache.keyFor(0, volume.word(0)));
            cache.keyFor(3, volume.word(3));
            assertEquals(first, cache.keyFor(0, volume.word(0)), "1 was the oldest, not 0");
        }
    }

    /** A request must not fail because a neighbour of its range was committed while its key was unwrapped. */
    @Test
    void findsAKeyWhileItsPageIsReplacedAgainAndAgain() throws Exception {
        try (Volume volume = openWithCacheOf(1);
                DekCache cache = volume.openCache()) {
            AtomicBoolean over = new AtomicBoolean();
            Thread keeper = new Thread(() -> {
                while (!over.get()) {
                    TablePage page = Objects.requireNonNull(volume.table().page(0));
                    volume.table().publish(volume.keys().forChange(page));
                }
            });
            keeper.start();
            try {
                // Every one of them is a miss.
                for (int i = 0; i < 10_000; i++) {
                    long range = i % 2;
                    assertNotEquals(0, cache.keyFor(range, volume.word(range)), "round " + i);
                }
            } finally {
                over.set(true);
                keeper.join();
            }
        }
    }

    @Test
    void keepsAPinnedKeyAndEvictsAnother() throws Exception {
        try (Volume volume = openWithCacheOf(3);
                DekCache cache = volume.openCache()) {
            int pin = cache.pin(0, volume.word(0));
            int key = cache.pinnedKey(pin);
            for (long range = 1; range < 62; range++) {
                assertNotEquals(key, cache.keyFor(range, volume.word(range)), "range " + range);
            }
            assertEquals(key, cache.keyFor(0, volume.word(0)));
            cache.unpin(pin);
            for (long range = 1; range < 4; range++) {
                cache.keyFor(range, volume.word(range));
            }
            assertEquals(key, cache.keyFor(3, volume.word(3)), "without the pin, the oldest made room");
        }
    }

    @Test
    void pinsNeverTakeTheLastPlace() throws Exception {
        try (Volume volume = openWithCacheOf(3);
                DekCache cache = volume.openCache()) {
            int first = cache.pin(0, volume.word(0));
            int second = cache.pin(1, volume.word(1));
            assertEquals(first, cache.pin(0, volume.word(0)), "one that is pinned may be pinned again");
            assertEquals(DekCache.NO_PIN, cache.pin(2, volume.word(2)));
            assertNotEquals(0, cache.keyFor(3, volume.word(3)));
            cache.unpin(first);
            assertEquals(DekCache.NO_PIN, cache.pin(2, volume.word(2)), "the other pin still holds it");
            cache.unpin(first);
            assertTrue(cache.pin(2, volume.word(2)) > 0);
            cache.unpin(second);
        }
        try (Volume volume = openWithCacheOf(1);
                DekCache cache = volume.openCache()) {
            assertEquals(DekCache.NO_PIN, cache.pin(0, volume.word(0)));
            assertNotEquals(0, cache.keyFor(1, volume.word(1)));
        }
    }

    @Test
    void aPinnedKeyOutlivesItsRangesDekUntilThePinEnds() throws Exception {
        try (Volume volume = openWithCacheOf(4);
                DekCache cache = volume.openCache()) {
            int pin = cache.pin(0, volume.word(0));
            int key = cache.pinnedKey(pin);
            // The range is said to have another DEK now, which does not verify; the old one must stay for who uses it.
            assertEquals(0, cache.keyFor(0, RangeWord.of(RangeWord.ACTIVE, 0, 2)));
            assertEquals(64, fixture.engine().keys().length(key));
            int again = cache.keyFor(0, volume.word(0));
            assertNotEquals(key, again);
            assertTrue(fixture.engine().keys().same(key, again));
            cache.unpin(pin);
            assertEquals(0, fixture.engine().keys().length(key), "wiped with the last pin");
            assertEquals(again, cache.keyFor(0, volume.word(0)));
        }
    }

    @Test
    void wipesAllOnClose() throws Exception {
        try (Volume volume = openWithCacheOf(3)) {
            DekCache cache = volume.openCache();
            int key = cache.keyFor(0, volume.word(0));
            assertEquals(64, fixture.engine().keys().length(key));
            cache.close();
            assertThrows(
                    IllegalStateException.class, () -> fixture.engine().keys().length(key));
        }
    }

    @Test
    void givesNoKeyForAnEntryThatDoesNotMatch() throws Exception {
        try (Volume volume = openWithCacheOf(3);
                DekCache cache = volume.openCache()) {
            assertEquals(0, cache.keyFor(0, RangeWord.of(RangeWord.ACTIVE, 0, 2)));
            assertEquals(0, cache.keyFor(0, RangeWord.of(RangeWord.ACTIVE, 1, 1)));
            assertEquals(0, cache.keyFor(0, RangeWord.of(RangeWord.LOST, 0, 1)));
            assertNotEquals(0, cache.keyFor(0, volume.word(0)));
        }
    }

    @Test
    void servesNoRangeUnderTheKeyOfTheOneThatMadeRoom() throws Exception {
        try (Volume volume = openWithCacheOf(1);
                DekCache cache = volume.openCache()) {
            int key = cache.keyFor(0, volume.word(0));
            assertNotEquals(0, key);
            assertEquals(0, cache.keyFor(1, RangeWord.of(RangeWord.ACTIVE, 1, 7)));
            assertEquals(0, fixture.engine().keys().length(key), "the slot must be empty, not hold range 0's key");
            assertEquals(0, cache.keyFor(1, RangeWord.of(RangeWord.ACTIVE, 1, 7)), "nor is the failure remembered");
            assertEquals(key, cache.keyFor(1, volume.word(1)), "the slot serves again");
            assertEquals(0, cache.keyFor(1, RangeWord.of(RangeWord.LOST, 1, 1)));
            assertEquals(0, fixture.engine().keys().length(key));
        }
    }

    @Test
    void makesDoWithTheKeysItHasWhileTheArenaIsFull() throws Exception {
        VolumeFixture tight = new VolumeFixture(new JavaCryptoEngine(16, new KernelRandom()), new JvmMemorySource());
        MemoryStore store = tight.create(8);
        try (Volume volume = tight.open(store);
                DekCache cache = volume.openCache()) {
            for (long range = 0; range < 8; range++) {
                assertEquals(Errno.OK, VolumeFixture.allocate(volume, range));
            }
            List<Integer> taken = new ArrayList<>();
            assertNotEquals(0, cache.keyFor(0, volume.word(0)));
            assertNotEquals(0, cache.keyFor(1, volume.word(1)));
            assertThrows(IllegalStateException.class, () -> {
                while (true) {
                    taken.add(tight.engine().keys().allocate());
                }
            });
            for (long range = 0; range < 8; range++) {
                int key = cache.keyFor(range, volume.word(range));
                assertEquals(64, tight.engine().keys().length(key));
            }
            taken.forEach(tight.engine().keys()::free);
        }
    }

    /** What the daemon has room for is not exceeded by volumes that come later, and all of them work. */
    @Test
    void sharesRoomWithOthersAndHasAFewKeysInAnyCase() throws Exception {
        DekRoom room = new DekRoom(10);
        try (Volume volume = openWithCacheOf(62);
                LruDekCache oracle = cache(volume, DekRoom.UNBOUNDED);
                LruDekCache late = cache(volume, room)) {
            try (LruDekCache early = cache(volume, room)) {
                for (long range = 0; range < 62; range++) {
                    requireRight(early, oracle, volume, range);
                }
                assertEquals(10, room.taken());
                assertEquals(62 - 10 - 4, volume.dekCacheMetrics().evictions());
                for (long range = 0; range < 62; range++) {
                    requireRight(late, oracle, volume, range);
                    int pin = late.pin(range, volume.word(range));
                    assertTrue(pin > 0, "one that is pinned leaves another");
                    late.unpin(pin);
                }
                assertEquals(10, room.taken());
            }
            assertEquals(0, room.taken());
            // It is not asked again at each miss.
            for (int i = 0; room.taken() < 10 && i < 100; i++) {
                for (long range = 0; range < 62; range++) {
                    requireRight(late, oracle, volume, range);
                }
            }
            assertEquals(10, room.taken());
        }
    }

    private LruDekCache cache(Volume volume, DekRoom room) {
        DekCacheMetrics metrics = room == DekRoom.UNBOUNDED ? new DekCacheMetrics() : volume.dekCacheMetrics();
        return new LruDekCache(fixture.engine(), volume.keys(), volume.table(), metrics, 62, room);
    }

    private void requireRight(LruDekCache cache, LruDekCache oracle, Volume volume, long range) {
        long word = volume.word(range);
        assertTrue(fixture.engine().keys().same(cache.keyFor(range, word), oracle.keyFor(range, word)));
    }

    @Test
    void countsWhatItFoundWhatItHadToUnwrapAndWhatMadeRoom() throws Exception {
        try (Volume volume = openWithCacheOf(2);
                DekCache cache = volume.openCache()) {
            for (long range : new long[] {0, 0, 1, 2, 2, 2}) {
                cache.keyFor(range, volume.word(range));
            }
            assertEquals(3, volume.dekCacheMetrics().hits());
            assertEquals(3, volume.dekCacheMetrics().misses());
            assertEquals(1, volume.dekCacheMetrics().evictions());
        }
    }

    /** The engine, telling what becomes of its slots. */
    private CryptoEngine watched(List<Integer> emptied) {
        CryptoEngine real = fixture.engine();
        KeyArena keys = through(KeyArena.class, real.keys(), (name, result, arguments) -> {
            if (name.equals("clear")) {
                emptied.add((Integer) arguments[0]);
            }
            return result;
        });
        return through(CryptoEngine.class, real, (name, result, arguments) -> name.equals("keys") ? keys : result);
    }

    private interface Change {
        Object of(String method, Object result, Object[] arguments);
    }

    private static <T> T through(Class<T> type, T real, Change change) {
        return type.cast(Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) -> change.of(method.getName(), method.invoke(real, arguments), arguments)));
    }

    /** Another thread's schedule of a key outlives a refilled slot, and only an emptied one wipes it everywhere. */
    @Test
    void emptiesTheSlotOfAKeyThatAnotherThreadMayHaveUsed() throws Exception {
        List<Integer> emptied = new ArrayList<>();
        try (Volume volume = openWithCacheOf(2);
                LruDekCache cache = new LruDekCache(
                        watched(emptied), volume.keys(), volume.table(), new DekCacheMetrics(), 2, DekRoom.UNBOUNDED)) {
            int first = cache.keyFor(0, volume.word(0));
            int second = cache.keyFor(1, volume.word(1));
            int pin = cache.pin(0, volume.word(0));
            cache.unpin(pin);
            assertEquals(second, cache.keyFor(2, volume.word(2)), "1 was the oldest");
            assertEquals(List.of(), emptied, "only this thread has used it");
            assertEquals(first, cache.keyFor(3, volume.word(3)));
            assertEquals(List.of(first), emptied);
            cache.keyFor(4, volume.word(4));
            assertEquals(first, cache.keyFor(5, volume.word(5)));
            assertEquals(List.of(first), emptied, "the new key was used by this thread alone");
        }
    }

    @Test
    void forgetsAKeyAtOnceOrWithItsLastPin() throws Exception {
        try (Volume volume = openWithCacheOf(3);
                DekCache cache = volume.openCache()) {
            int key = cache.keyFor(0, volume.word(0));
            cache.forget(0, 1);
            cache.forget(7, 20);
            assertEquals(0, fixture.engine().keys().length(key));
            int pin = cache.pin(0, volume.word(0));
            int pinned = cache.pinnedKey(pin);
            cache.forget(0, 1);
            assertEquals(64, fixture.engine().keys().length(pinned), "somebody works with it");
            int again = cache.keyFor(0, volume.word(0));
            assertNotEquals(pinned, again);
            assertTrue(fixture.engine().keys().same(pinned, again));
            cache.unpin(pin);
            assertEquals(0, fixture.engine().keys().length(pinned));
            assertEquals(again, cache.keyFor(0, volume.word(0)), "the new one stays");
        }
    }
}
