package io.blockseal.crypto;

import io.blockseal.memory.Memory;

/**
 * AES-256-XTS over whole data units, in place.
 *
 * <p>Bytes {@code offset} to {@code offset + unitCount * unitBytes} of {@code memory} are read and written, no others.
 * Unit {@code i} uses tweak {@code firstUnit + i} as a 128-bit little-endian number (IEEE 1619-2018, 5.1).
 * A unit is a multiple of 16 up to 4096 bytes; numbers are not negative. {@code key} is a handle of 64 bytes, K1 then K2,
 * K1 != K2. From any thread as long as the handle stays allocated; allocates nothing.
 */
public interface XtsEngine {
    /** The cipher's block. */
    int BLOCK_BYTES = 16;
    /** The largest data unit. */
    int UNIT_BYTES_MAX = 4096;

    /**
     * Enciphers.
     *
     * @return whether a unit of ciphertext came out as all zeros, which the volume must not store: it would read back as
     *     a unit that was never written
     */
    boolean encrypt(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount);

    /** Deciphers; a unit whose ciphertext is all zeros was never written and is left as zeros. */
    void decryptSparse(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount);

    /** Deciphers every unit, those of all zeros too: plain XTS, as the vectors have it. */
    void decrypt(int key, Memory memory, int offset, int unitBytes, long firstUnit, int unitCount);

    /**
     * What every implementation checks of its arguments before it touches a byte.
     *
     * @return {@code offset}
     * @throws IllegalArgumentException if these are no units
     * @throws IndexOutOfBoundsException if they leave the memory
     */
    static int check(Memory memory, int offset, int unitBytes, long firstUnit, int unitCount) {
        if (unitBytes < BLOCK_BYTES || unitBytes > UNIT_BYTES_MAX || unitBytes % BLOCK_BYTES != 0) {
            throw new IllegalArgumentException("a data unit is a multiple of 16 up to 4096 bytes, not " + unitBytes);
        }
        if (firstUnit < 0 || firstUnit > Long.MAX_VALUE - Math.max(0, unitCount)) {
            throw new IllegalArgumentException("units are numbered from 0 to 2^63 - 1, not from " + firstUnit);
        }
        if (unitCount < 0 || offset < 0 || offset > memory.capacity() - (long) unitBytes * unitCount) {
            throw new IndexOutOfBoundsException(
                    unitCount + " units of " + unitBytes + " at " + offset + " leave the memory");
        }
        return offset;
    }
}
