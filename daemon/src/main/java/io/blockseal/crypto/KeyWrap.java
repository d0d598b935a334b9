package io.blockseal.crypto;

import java.nio.ByteBuffer;

/** Keys under keys. From any thread. */
public interface KeyWrap {
    /** Bytes that {@link #wrapDek} makes: nonce 12, wrapped DEK 64, tag 16. */
    int WRAPPED_DEK_BYTES = 12 + 64 + 16;
    /** Bytes that {@link #wrapKwp} makes of a 32-byte key. */
    int KWP_BYTES = 40;

    /**
     * Wraps a 64-byte DEK: AES-256-GCM with a random nonce, under
     * HKDF-Expand-SHA-256({@code wrappingKey}, "dek" || u64le range || u32le generation, 32), with {@code aad}.
     *
     * @param out takes {@link #WRAPPED_DEK_BYTES} from {@code outOffset}; its position and limit do not matter. The native
     *     engine leaves no copy of them anywhere else
     */
    void wrapDek(int wrappingKey, long rangeIndex, int generation, byte[] aad, int dek, ByteBuffer out, int outOffset);

    /** The same to the heap. */
    default void wrapDek(
            int wrappingKey, long rangeIndex, int generation, byte[] aad, int dek, byte[] out, int outOffset) {
        wrapDek(wrappingKey, rangeIndex, generation, aad, dek, ByteBuffer.wrap(out), outOffset);
    }

    /**
     * Unwraps what {@link #wrapDek} made into the slot {@code dek}, over the key that may be there. A failure of any
     * kind leaves the slot empty, never with the old key. The native engine allocates nothing and takes no lock that
     * other slots share; a slot that is refilled belongs to one thread. It leaves no copy of what was wrapped.
     *
     * @return false, with the slot left empty, if the tag does not verify or the DEK's halves are equal
     */
    boolean unwrapDek(
            int wrappingKey,
            long rangeIndex,
            int generation,
            byte[] aad,
            ByteBuffer wrapped,
            int wrappedOffset,
            int dek);

    /** The same from the heap. */
    default boolean unwrapDek(
            int wrappingKey, long rangeIndex, int generation, byte[] aad, byte[] wrapped, int wrappedOffset, int dek) {
        return unwrapDek(wrappingKey, rangeIndex, generation, aad, ByteBuffer.wrap(wrapped), wrappedOffset, dek);
    }

    /** AES-256-KWP (RFC 5649) of a 32-byte key under a 32-byte key: {@link #KWP_BYTES} bytes. */
    byte[] wrapKwp(int kek, int key);

    /** Undoes {@link #wrapKwp} into the slot {@code key}; false, with the slot left empty, if the check fails. */
    boolean unwrapKwp(int kek, byte[] wrapped, int key);
}
