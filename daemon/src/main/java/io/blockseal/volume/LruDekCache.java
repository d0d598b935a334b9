package io.blockseal.volume;

import io.blockseal.block.HotPath;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KeyWrap;
import io.blockseal.format.TablePage;
import io.blockseal.metrics.DekCacheMetrics;
import java.util.Arrays;

/**
 * A loop's unwrapped DEKs: a hash table with chains and a list by age, all in arrays made at the start. The oldest
 * unused key makes room for a new one.
 */
@HotPath("asked for a key by every request that touches data")
final class LruDekCache implements DekCache {
    private static final int NOTHING = -1;

    private final CryptoEngine engine;
    private final VolumeKeys keys;
    private final DekTable table;
    private final DekCacheMetrics metrics;
    private final byte[] aad;
    private final byte[] wrapped = new byte[KeyWrap.WRAPPED_DEK_BYTES];

    private final long[] ranges;
    private final long[] words;
    private final int[] handles;
    private final int[] chainNext;
    private final int[] buckets;
    private final int[] younger;
    private final int[] older;
    private int youngest = NOTHING;
    private int oldest = NOTHING;
    private final int[] freePlaces;
    private int freeCount;

    /** A cache for {@code capacity} keys, at least one. */
    LruDekCache(CryptoEngine engine, VolumeKeys keys, DekTable table, DekCacheMetrics metrics, int capacity) {
        this.engine = engine;
        this.keys = keys;
        this.table = table;
        this.metrics = metrics;
        this.aad = keys.newAad();
        ranges = new long[capacity];
        words = new long[capacity];
        handles = new int[capacity];
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
        int place = find(rangeIndex);
        if (place != NOTHING && words[place] == word) {
            if (place != youngest) {
                unlink(place);
                linkYoungest(place);
            }
            metrics.hit();
            return handles[place];
        }
        metrics.miss();
        if (place != NOTHING) {
            // The range has another DEK by now; its old one must not linger.
            forget(place);
        } else if (freeCount == 0) {
            metrics.evicted();
            forget(oldest);
        }
        int handle = allocate();
        return handle == 0 ? 0 : fill(handle, rangeIndex, word);
    }

    @Override
    public void close() {
        while (oldest != NOTHING) {
            forget(oldest);
        }
        engine.forgetThread();
    }

    /** An empty handle; when the arena is full, the oldest keys here make room. 0 if even that does not help. */
    private int allocate() {
        while (true) {
            try {
                return engine.keys().allocate();
            } catch (IllegalStateException e) {
                if (oldest == NOTHING) {
                    return 0;
                }
                metrics.evicted();
                forget(oldest);
            }
        }
    }

    private int fill(int handle, long rangeIndex, long word) {
        if (!unwrap(rangeIndex, word, handle)) {
            engine.keys().free(handle);
            return 0;
        }
        int place = freePlaces[--freeCount];
        ranges[place] = rangeIndex;
        words[place] = word;
        handles[place] = handle;
        int bucket = bucketOf(rangeIndex);
        chainNext[place] = buckets[bucket];
        buckets[bucket] = place;
        linkYoungest(place);
        return handle;
    }

    private boolean unwrap(long rangeIndex, long word, int handle) {
        TablePage page = table.page(TablePage.pageOf(rangeIndex));
        if (page == null || RangeWord.state(word) != RangeWord.ACTIVE) {
            return false;
        }
        page.copyWrappedDek(TablePage.entryOf(rangeIndex), wrapped);
        VolumeKeys.bindDek(aad, rangeIndex, RangeWord.generation(word), RangeWord.slot(word));
        return keys.unwrapDek(rangeIndex, RangeWord.generation(word), aad, wrapped, handle);
    }

    private int find(long rangeIndex) {
        int place = buckets[bucketOf(rangeIndex)];
        while (place != NOTHING && ranges[place] != rangeIndex) {
            place = chainNext[place];
        }
        return place;
    }

    private void forget(int place) {
        engine.keys().free(handles[place]);
        handles[place] = 0;
        freePlaces[freeCount++] = place;
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
