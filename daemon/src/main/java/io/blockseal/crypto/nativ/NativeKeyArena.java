package io.blockseal.crypto.nativ;

import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Slots in the shim's locked memory. Handles are the shim's own: it refuses those that were freed.
 *
 * <p>Bytes that must cross, either way, do so through one page that is locked where the system allows it and is wiped
 * at once.
 */
final class NativeKeyArena implements KeyArena {
    private static final int PAGE_BYTES = 4096;

    private final Shim shim;
    private final OffHeap crossing;
    private final ByteBuffer crossingBytes;
    private final boolean crossingLocked;
    /** What this engine allocated, as the shim's slots belong to the process; the first {@code handleCount} count. */
    private int[] handles = new int[64];

    private int handleCount;

    NativeKeyArena(Shim shim) {
        this.shim = shim;
        long address = shim.map(PAGE_BYTES, Shim.MAP_PREFAULT | Shim.MAP_LOCK);
        this.crossingLocked = address >= 0;
        if (address < 0) {
            address = Result.check(shim.map(PAGE_BYTES, Shim.MAP_PREFAULT));
        }
        this.crossing = OffHeap.at(address, PAGE_BYTES);
        this.crossingBytes = crossing.buffer();
    }

    /** Whether the page through which keys cross is as well protected as their slots. */
    boolean crossingLocked() {
        return crossingLocked;
    }

    @Override
    public synchronized int allocate() {
        if (handleCount == handles.length) {
            handles = Arrays.copyOf(handles, 2 * handleCount);
        }
        int handle = Result.check(shim.keyNew());
        handles[handleCount++] = handle;
        return handle;
    }

    @Override
    public synchronized void free(int key) {
        if (key != 0) {
            Result.check(shim.keyFree(key));
            forget(key);
        }
    }

    /** From the end, as most keys that are freed are young. */
    private void forget(int key) {
        for (int i = handleCount - 1; i >= 0; i--) {
            if (handles[i] == key) {
                handles[i] = handles[--handleCount];
                return;
            }
        }
    }

    @Override
    public void clear(int key) {
        Result.check(shim.keyClear(key));
    }

    @Override
    public void fillRandom(int key, int lengthBytes) {
        if (lengthBytes != 32 && lengthBytes != KEY_BYTES_MAX) {
            throw new IllegalArgumentException("a random key has 32 or 64 bytes, not " + lengthBytes);
        }
        Result.check(shim.keyRandom(key, lengthBytes));
    }

    @Override
    public synchronized void put(int key, ByteBuffer source) {
        int lengthBytes = source.remaining();
        if (lengthBytes < 1 || lengthBytes > KEY_BYTES_MAX) {
            throw new IllegalArgumentException("a key has 1 to 64 bytes, not " + lengthBytes);
        }
        try {
            crossingBytes.put(0, source, source.position(), lengthBytes);
            source.position(source.limit());
            int half = KEY_BYTES_MAX / 2;
            if (lengthBytes == KEY_BYTES_MAX
                    && Result.check(shim.equal(crossing.address(), crossing.address(half), half)) == 1) {
                throw new IllegalArgumentException("the two halves of a 64-byte key are equal, which XTS forbids");
            }
            Result.check(shim.keySet(key, crossing.address(), lengthBytes));
        } finally {
            shim.wipe(crossing.address(), KEY_BYTES_MAX);
        }
    }

    @Override
    public int length(int key) {
        return Result.check(shim.keyLength(key));
    }

    @Override
    public synchronized void copyOut(int key, SecretAccess reason, ByteBuffer target) {
        int lengthBytes = filled(key);
        try {
            Result.check(shim.keyGet(key, crossing.address(), lengthBytes));
            target.put(target.position(), crossingBytes, 0, lengthBytes);
            target.position(target.position() + lengthBytes);
        } finally {
            shim.wipe(crossing.address(), KEY_BYTES_MAX);
        }
    }

    @Override
    public boolean same(int key, int otherKey) {
        int lengthBytes = filled(key);
        return lengthBytes == filled(otherKey) && Result.check(shim.keyEqual(key, otherKey, lengthBytes)) == 1;
    }

    /** The length of a key that is there. */
    int filled(int key) {
        int lengthBytes = length(key);
        if (lengthBytes == 0) {
            throw new IllegalStateException("the key slot is empty");
        }
        return lengthBytes;
    }

    /** Refuses a key of another length. */
    void require(int key, int lengthBytes) {
        if (length(key) != lengthBytes) {
            throw new IllegalStateException("this takes a key of " + lengthBytes + " bytes, not " + length(key));
        }
    }

    /** Wipes every key of this engine. */
    synchronized void close() {
        while (handleCount > 0) {
            shim.keyFree(handles[--handleCount]);
        }
    }
}
