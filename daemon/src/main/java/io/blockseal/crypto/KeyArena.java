package io.blockseal.crypto;

import java.nio.ByteBuffer;

/**
 * Slots for keys of up to 64 bytes in the engine's own memory; a key is an int handle and its bytes stay where they
 * are. From any thread; {@link #allocate} and {@link #free} may lock briefly, use of a handle elsewhere does not.
 */
public interface KeyArena {
    /** The most bytes that one key has. */
    int KEY_BYTES_MAX = 64;

    /**
     * An empty slot, the caller's until freed.
     *
     * @throws IllegalStateException if all slots are taken
     */
    int allocate();

    /** Wipes the slot and everything derived from it, and gives it back. 0 is allowed and does nothing. */
    void free(int key);

    /** Wipes the slot and everything derived from it; it remains the caller's, empty. */
    void clear(int key);

    /** Fills the slot with {@code lengthBytes} (32 or 64) from the kernel's generator; 64 bytes never have equal halves. */
    void fillRandom(int key, int lengthBytes);

    /**
     * Copies the remaining bytes of {@code source} into the slot; the caller wipes its source.
     */
    void put(int key, ByteBuffer source);

    /** How many bytes the key has; 0 for an empty slot. */
    int length(int key);

    /** Copies the key out into {@code target}: the one way in which key bytes leave the arena. */
    void copyOut(int key, SecretAccess reason, ByteBuffer target);

    /** Whether both keys hold the same bytes; takes the same time whatever they hold. */
    boolean same(int key, int otherKey);
}
