package io.blockseal.volume;

import io.blockseal.block.HotPath;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.format.TablePage;
import io.blockseal.metrics.DekCacheMetrics;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.EpochKeys;
import io.blockseal.volume.table.RangeWord;
import io.blockseal.volume.table.VolumeKeys;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * A loop's unwrapped DEKs: a hash table with chains and a list by age, all in arrays made at the start. The oldest
 * unused key makes room for a new one.
 *
 * <p>A place gets its key slot when it is first used and keeps it: from then on a miss unwraps over the key that makes
 * room, without asking the arena, which all loops share.
 */
@HotPath("asked for a key by every request that touches data")
final class LruDekCache implements DekCache {
    private static final int NOTHING = -1;
    /** How many misses pass before it is asked again where there was no room: being refused by a full arena costs an exception. */
    private static final int MISSES_UNTIL_ASKED_AGAIN = 1024;
    /** What every cache has, however many there are: one for a request, and some that may be pinned meanwhile. */
    private static final int LEAST_KEYS = 4;

    private final CryptoEngine engine;
    private final VolumeKeys keys;
    private final DekTable table;
    private final DekCacheMetrics metrics;
    private final DekRoom room;
    private final byte[] aad;

    private final long[] ranges;
    private final long[] words;
    /** 0 until the place is first used; the slot of a place that is free is empty. */
    private final int[] handles;

    /** How many pins a place has. */
    private final int[] pins;
    /** Whether a pinned place was taken out of table and list, and is to be freed with its last pin. */
    private final boolean[] retired;

    /** Whether another thread may have made a schedule of the key, which only emptying the slot wipes there. */
    private final boolean[] usedElsewhere;

    private final int[] chainNext;
    private final int[] buckets;
    private final int[] younger;
    private final int[] older;
    private int youngest = NOTHING;
    private int oldest = NOTHING;
    private final int[] freePlaces;
    private int freeCount;
    private int missesUntilAsked;
    private int placesWithSlot;
    private int pinnedPlaces;

    /** A cache for {@code capacity} keys, at least one, which come from {@code room} but for the first few. */
    LruDekCache(
            CryptoEngine engine, VolumeKeys keys, DekTable table, DekCacheMetrics metrics, int capacity, DekRoom room) {
        this.room = room;
        this.engine = engine;
        this.keys = keys;
        this.table = table;
        this.metrics = metrics;
        this.aad = keys.newAad();
        ranges = new long[capacity];
        words = new long[capacity];
        handles = new int[capacity];
        pins = new int[capacity];
        retired = new boolean[capacity];
        usedElsewhere = new boolean[capacity];
        chainNext = new int[capacity];
        younger = new int[capacity];
        older = new int[capacity];
        freePlaces = new int[capacity];
        for (int place = 0; place < capacity; place++) {
            freePlaces[freeCount++] = place;
        }
        buckets = new int[Integer.highestOneBit(Math.max(1, capacity) * 2)];
        Arrays.fill(buckets, NOTHING);
    }

    @Override
    public int keyFor(long rangeIndex, long word) {
        int place = placeFor(rangeIndex, word);
        return place == NOTHING ? 0 : handles[place];
    }

    @Override
    public int pin(long rangeIndex, long word) {
        int place = placeFor(rangeIndex, word);
        if (place == NOTHING) {
            return 0;
        }
        if (pins[place] == 0) {
            if (!anotherIsLeft()) {
                return NO_PIN;
            }
            pinnedPlaces++;
        }
        pins[place]++;
        usedElsewhere[place] = true;
        return place + 1;
    }

    /** Whether a place with a slot stays without pins if one more is pinned: {@link #keyFor} must never run dry. */
    private boolean anotherIsLeft() {
        if (placesWithSlot - pinnedPlaces > 1) {
            return true;
        }
        return freeCount > 0 && hasSlot(freePlaces[freeCount - 1]);
    }

    @Override
    public int pinnedKey(int pin) {
        return handles[pin - 1];
    }

    @Override
    public void unpin(int pin) {
        int place = pin - 1;
        pins[place]--;
        if (pins[place] > 0) {
            return;
        }
        pinnedPlaces--;
        if (retired[place]) {
            retired[place] = false;
            empty(place);
            freePlaces[freeCount++] = place;
        }
    }

    /** Wipes the key, and every schedule of it in whatever thread. */
    private void empty(int place) {
        engine.keys().clear(handles[place]);
        usedElsewhere[place] = false;
    }

    @Override
    public void forget(long first, long count) {
        int place = youngest;
        while (place != NOTHING) {
            int next = older[place];
            if (ranges[place] >= first && ranges[place] - first < count) {
                forget(place);
            }
            place = next;
        }
    }

    private void forget(int place) {
        detach(place);
        if (pins[place] > 0) {
            retired[place] = true;
        } else {
            empty(place);
            freePlaces[freeCount++] = place;
        }
    }

    /** The place with the range's DEK, or {@link #NOTHING}. */
    private int placeFor(long rangeIndex, long word) {
        int place = find(rangeIndex);
        if (place != NOTHING && words[place] == word) {
            if (place != youngest) {
                unlink(place);
                linkYoungest(place);
            }
            metrics.hit();
            return place;
        }
        metrics.miss();
        if (place != NOTHING) {
            // The range has another DEK by now; its old one must not linger, but for requests that were begun with it.
            detach(place);
            if (pins[place] > 0) {
                retired[place] = true;
                place = NOTHING;
            }
        }
        if (place == NOTHING) {
            place = placeForAnother();
        }
        return place == NOTHING || !fill(place, rangeIndex, word) ? NOTHING : place;
    }

    @Override
    public void close() {
        while (oldest != NOTHING) {
            int place = oldest;
            detach(place);
            freePlaces[freeCount++] = place;
        }
        for (int place = 0; place < handles.length; place++) {
            engine.keys().free(handles[place]);
            handles[place] = 0;
        }
        room.giveBack(Math.max(0, placesWithSlot - LEAST_KEYS));
        placesWithSlot = 0;
        engine.forgetThread();
    }

    /** A place with a key slot, in neither table nor list; the slot may hold the key that made room. */
    private int placeForAnother() {
        if (freeCount > 0) {
            int place = freePlaces[freeCount - 1];
            if (hasSlot(place)) {
                freeCount--;
                return place;
            }
        }
        int place = oldest;
        while (place != NOTHING && pins[place] > 0) {
            place = younger[place];
        }
        if (place != NOTHING) {
            metrics.evicted();
            detach(place);
        }
        return place;
    }

    /** Gives the place a key slot if it has none; false while there is none to have. */
    private boolean hasSlot(int place) {
        if (handles[place] == 0) {
            handles[place] = allocate();
            if (handles[place] != 0) {
                placesWithSlot++;
            }
        }
        return handles[place] != 0;
    }

    /** An empty slot, or 0 while there is no room, or the arena is full. */
    private int allocate() {
        if (oldest != NOTHING && missesUntilAsked > 0) {
            missesUntilAsked--;
            return 0;
        }
        boolean fromRoom = placesWithSlot >= LEAST_KEYS;
        if (fromRoom && !room.take()) {
            missesUntilAsked = MISSES_UNTIL_ASKED_AGAIN;
            return 0;
        }
        try {
            return engine.keys().allocate();
        } catch (IllegalStateException e) {
            if (fromRoom) {
                room.giveBack(1);
            }
            missesUntilAsked = MISSES_UNTIL_ASKED_AGAIN;
            return 0;
        }
    }

    /** Puts the range's DEK into the place; else empties its slot, so that no range is served under another's key. */
    private boolean fill(int place, long rangeIndex, long word) {
        if (usedElsewhere[place]) {
            empty(place);
        }
        boolean filled = false;
        try {
            filled = unwrap(rangeIndex, word, handles[place]);
        } finally {
            if (!filled) {
                freePlaces[freeCount++] = place;
                empty(place);
            }
        }
        if (!filled) {
            return false;
        }
        ranges[place] = rangeIndex;
        words[place] = word;
        int bucket = bucketOf(rangeIndex);
        chainNext[place] = buckets[bucket];
        buckets[bucket] = place;
        linkYoungest(place);
        return true;
    }

    private boolean unwrap(long rangeIndex, long word, int handle) {
        TablePage page = table.page(TablePage.pageOf(rangeIndex));
        while (page != null && RangeWord.state(word) == RangeWord.ACTIVE) {
            if (unwrap(page, rangeIndex, word, handle)) {
                return true;
            }
            // The page may have been replaced, and wiped, and the keys of its epoch closed, while we looked at it.
            VarHandle.acquireFence();
            TablePage again = table.page(TablePage.pageOf(rangeIndex));
            page = again == page ? null : again;
        }
        return false;
    }

    private boolean unwrap(TablePage page, long rangeIndex, long word, int handle) {
        EpochKeys.bindDek(aad, rangeIndex, RangeWord.generation(word), RangeWord.slot(word));
        try {
            return keys.unwrapDek(page, rangeIndex, RangeWord.generation(word), aad, handle);
        } catch (IllegalStateException wipedMeanwhile) {
            return false;
        }
    }

    private int find(long rangeIndex) {
        int place = buckets[bucketOf(rangeIndex)];
        while (place != NOTHING && ranges[place] != rangeIndex) {
            place = chainNext[place];
        }
        return place;
    }

    /** Takes the place out of list and table; its slot is as it was. */
    private void detach(int place) {
        unlink(place);
        int bucket = bucketOf(ranges[place]);
        if (buckets[bucket] == place) {
            buckets[bucket] = chainNext[place];
            return;
        }
        int before = buckets[bucket];
        while (chainNext[before] != place) {
            before = chainNext[before];
        }
        chainNext[before] = chainNext[place];
    }

    private void linkYoungest(int place) {
        older[place] = youngest;
        younger[place] = NOTHING;
        if (youngest == NOTHING) {
            oldest = place;
        } else {
            younger[youngest] = place;
        }
        youngest = place;
    }

    private void unlink(int place) {
        if (older[place] == NOTHING) {
            oldest = younger[place];
        } else {
            younger[older[place]] = younger[place];
        }
        if (younger[place] == NOTHING) {
            youngest = older[place];
        } else {
            older[younger[place]] = older[place];
        }
    }

    private int bucketOf(long rangeIndex) {
        return (int) ((rangeIndex * 0x9e3779b97f4a7c15L) >>> 40) & (buckets.length - 1);
    }
}
