package io.blockseal.device;

import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.store.BlockStore;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.VolumeShape;
import io.blockseal.volume.table.RangeWord;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.Consumer;

/** A data plane without metadata: a real engine, one DEK a range from the start, slots in no particular order. */
final class FixedKeys implements DataPlane, AutoCloseable {
    private static final int PAGE_RANGES = 4;

    private final VolumeShape shape;
    private final BlockStore store;
    private final CryptoEngine engine = new JavaCryptoEngine();
    private final AtomicLongArray words;
    private final int[] dekOf;
    private final List<Integer> slots = new ArrayList<>();
    private final List<Runnable> held = new ArrayList<>();
    final AtomicInteger allocations = new AtomicInteger();
    final AtomicInteger openCaches = new AtomicInteger();
    /** Pins that were not ended. */
    final AtomicInteger pins = new AtomicInteger();

    volatile Errno allocationOutcome = Errno.OK;
    volatile boolean holdAllocations;
    volatile long brokenRange = -1;

    FixedKeys(VolumeShape shape, BlockStore store, long seed) {
        this.shape = shape;
        this.store = store;
        int ranges = (int) shape.rangeCount();
        words = new AtomicLongArray(ranges);
        dekOf = new int[ranges];
        for (int i = 0; i < ranges; i++) {
            dekOf[i] = engine.keys().allocate();
            engine.keys().fillRandom(dekOf[i], 64);
            slots.add(i);
        }
        Collections.shuffle(slots, new Random(seed));
    }

    void setState(long range, int state) {
        words.set((int) range, RangeWord.of(state, slots.get((int) range), 1));
    }

    long physical(long offset) {
        return shape.physicalOffset(offset, slots.get((int) (offset >>> shape.rangeShift())));
    }

    int dek(long range) {
        return dekOf[(int) range];
    }

    @Override
    public VolumeShape shape() {
        return shape;
    }

    @Override
    public BlockStore dataStore() {
        return store;
    }

    @Override
    public XtsEngine xts() {
        return engine.xts();
    }

    @Override
    public long word(long rangeIndex) {
        return words.get((int) rangeIndex);
    }

    @Override
    public DekCache openCache() {
        openCaches.incrementAndGet();
        return new DekCache() {
            @Override
            public int keyFor(long rangeIndex, long word) {
                if (word != words.get((int) rangeIndex)) {
                    throw new AssertionError("an old word for range " + rangeIndex);
                }
                return rangeIndex == brokenRange ? 0 : dekOf[(int) rangeIndex];
            }

            @Override
            public int pin(long rangeIndex, long word) {
                int key = keyFor(rangeIndex, word);
                pins.addAndGet(key == 0 ? 0 : 1);
                return key;
            }

            @Override
            public int pinnedKey(int pin) {
                return pin;
            }

            @Override
            public void unpin(int pin) {
                pins.decrementAndGet();
            }

            @Override
            public void forget(long first, long count) {}

            @Override
            public void close() {
                openCaches.decrementAndGet();
            }
        };
    }

    @Override
    public void allocate(long rangeIndex, Executor loop, Consumer<Errno> whenDone) {
        allocations.incrementAndGet();
        Runnable commit = () -> {
            Errno outcome = allocationOutcome;
            if (outcome == Errno.OK) {
                activatePageOf(rangeIndex);
            }
            loop.execute(() -> whenDone.accept(outcome));
        };
        if (holdAllocations) {
            synchronized (held) {
                held.add(commit);
            }
        } else {
            commit.run();
        }
    }

    private void activatePageOf(long rangeIndex) {
        int first = (int) rangeIndex / PAGE_RANGES * PAGE_RANGES;
        for (int i = first; i < Math.min(first + PAGE_RANGES, words.length()); i++) {
            int state = RangeWord.state(words.get(i));
            if (state == RangeWord.NONE || state == RangeWord.SHREDDED) {
                setState(i, RangeWord.ACTIVE);
            }
        }
    }

    void commitHeldAllocations() {
        synchronized (held) {
            held.forEach(Runnable::run);
            held.clear();
        }
    }

    @Override
    public void close() {
        engine.close();
    }
}
