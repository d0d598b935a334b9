package io.blockseal.crypto.java;

import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.RandomSource;
import io.blockseal.crypto.SecretAccess;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keys in arrays on the Java heap, wiped when freed, though the collector may have left copies.
 *
 * <p>A handle is a slot's index plus one in its low 20 bits, and above them a count of how often the slot was given
 * out: a handle that outlives its key is refused rather than taken for somebody else's.
 */
final class HeapKeyArena implements KeyArena {
    private static final int INDEX_BITS = 20;
    private static final int INDEX_MASK = (1 << INDEX_BITS) - 1;
    /** A generator that gives equal halves this often is broken: by chance it is once in 2^256. */
    private static final int RANDOM_TRIES = 8;

    private final RandomSource random;
    private final Consumer<HeapKey> whenWiped;
    private final AtomicReferenceArray<@Nullable HeapKey> slots;
    private final int[] handlesIdle;
    private int idleCount;

    /**
     * An arena of empty slots.
     *
     * @param whenWiped is told of each key that is about to be wiped, to drop what was derived from it
     */
    HeapKeyArena(int slotCount, RandomSource random, Consumer<HeapKey> whenWiped) {
        if (slotCount < 1 || slotCount >= INDEX_MASK) {
            throw new IllegalArgumentException("an arena has 1 to " + (INDEX_MASK - 1) + " slots, not " + slotCount);
        }
        this.random = random;
        this.whenWiped = whenWiped;
        this.slots = new AtomicReferenceArray<>(slotCount);
        this.handlesIdle = new int[slotCount];
        for (int i = 0; i < slotCount; i++) {
            handlesIdle[i] = slotCount - i;
        }
        this.idleCount = slotCount;
    }

    @Override
    public synchronized int allocate() {
        if (idleCount == 0) {
            throw new IllegalStateException("all " + slots.length() + " key slots are taken");
        }
        int handle = handlesIdle[--idleCount];
        slots.set((handle & INDEX_MASK) - 1, new HeapKey(handle));
        return handle;
    }

    @Override
    public synchronized void free(int key) {
        if (key == 0) {
            return;
        }
        HeapKey heapKey = at(key);
        whenWiped.accept(heapKey);
        heapKey.clear();
        slots.set((key & INDEX_MASK) - 1, null);
        int nextCount = ((key >>> INDEX_BITS) + 1) & (Integer.MAX_VALUE >>> INDEX_BITS);
        handlesIdle[idleCount++] = (nextCount << INDEX_BITS) | (key & INDEX_MASK);
    }

    @Override
    public void fillRandom(int key, int lengthBytes) {
        if (lengthBytes != 32 && lengthBytes != KEY_BYTES_MAX) {
            throw new IllegalArgumentException("a random key has 32 or 64 bytes, not " + lengthBytes);
        }
        byte[] bytes = new byte[lengthBytes];
        try {
            for (int i = 0; i < RANDOM_TRIES; i++) {
                random.fill(bytes);
                if (!HeapKey.hasEqualHalves(bytes, 0, lengthBytes)) {
                    fill(key, bytes, 0, lengthBytes);
                    return;
                }
            }
            throw new IllegalStateException(
                    "the random generator is broken: it gave equal halves " + RANDOM_TRIES + " times");
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    @Override
    public void put(int key, ByteBuffer source) {
        if (source.remaining() > KEY_BYTES_MAX) {
            throw new IllegalArgumentException("a key has 1 to 64 bytes, not " + source.remaining());
        }
        byte[] bytes = new byte[source.remaining()];
        try {
            source.get(bytes);
            fill(key, bytes, 0, bytes.length);
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    /**
     * Puts {@code lengthBytes} of {@code source} into the slot; refuses equal halves. A schedule of the key before is
     * not dropped: the thread that has it sees that it is old, and keys it anew, which costs a tenth of a new one.
     */
    void fill(int key, byte[] source, int offset, int lengthBytes) {
        at(key).fill(source, offset, lengthBytes);
    }

    @Override
    public void clear(int key) {
        HeapKey heapKey = at(key);
        whenWiped.accept(heapKey);
        heapKey.clear();
    }

    @Override
    public int length(int key) {
        return at(key).length();
    }

    @Override
    public void copyOut(int key, SecretAccess reason, ByteBuffer target) {
        byte[] bytes = filled(key).copy();
        try {
            target.put(bytes);
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    @Override
    public boolean same(int key, int otherKey) {
        return filled(key).sameBytes(filled(otherKey));
    }

    /** The slot of a handle that is allocated. */
    HeapKey at(int key) {
        int index = (key & INDEX_MASK) - 1;
        HeapKey heapKey = index < 0 || index >= slots.length() ? null : slots.get(index);
        if (heapKey == null || heapKey.handle() != key) {
            throw new IllegalStateException("this key was freed, or never was");
        }
        return heapKey;
    }

    /** Likewise, with a key in it. */
    HeapKey filled(int key) {
        HeapKey heapKey = at(key);
        if (heapKey.length() == 0) {
            throw new IllegalStateException("the key slot is empty");
        }
        return heapKey;
    }

    /** Likewise, with a key of {@code lengthBytes} in it. */
    HeapKey filled(int key, int lengthBytes) {
        HeapKey heapKey = at(key);
        if (heapKey.length() != lengthBytes) {
            throw new IllegalStateException("this takes a key of " + lengthBytes + " bytes, not " + heapKey.length());
        }
        return heapKey;
    }

    /** Wipes every key. */
    synchronized void close() {
        for (int i = 0; i < slots.length(); i++) {
            HeapKey heapKey = slots.get(i);
            if (heapKey != null) {
                free(heapKey.handle());
            }
        }
    }
}
