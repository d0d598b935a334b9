package io.blockseal.crypto;

import io.blockseal.memory.Memory;

/**
 * AES-256-XTS over whole data units, in place.
 *
 * <p>Bytes {@code offset} to {@code offset + unitCount * unitBytes} of {@code memory} are read and written, no others.
 * Unit {@code i} uses tweak {@code firstUnit + i} as a 128-bit little-endian number (IEEE 1619-2018, 5.1).
 * {@code key} is a handle of 64 bytes, K1 then K2, K1 != K2. From any thread as long as the handle stays allocated;
 * allocates nothing.
 */
public interface XtsEngine {
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
}
