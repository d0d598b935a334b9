package io.blockseal.shim;

/**
 * Arguments of {@link Shim#gcmWrap} and {@link Shim#gcmUnwrap}: AES-256-GCM from one key slot to a blob and back.
 *
 * <p>The nonce is the caller's and must never serve twice under one key-encryption key. Make one block per thread and
 * reuse it.
 */
public final class GcmBlock {
    static final int KIND = 3;
    private static final int KEK_HANDLE = 0;
    private static final int KEY_HANDLE = KEK_HANDLE + Long.BYTES;
    private static final int KEY_LENGTH = KEY_HANDLE + Long.BYTES;
    private static final int NONCE_ADDRESS = KEY_LENGTH + Long.BYTES;
    private static final int AAD_ADDRESS = NONCE_ADDRESS + Long.BYTES;
    private static final int AAD_LENGTH = AAD_ADDRESS + Long.BYTES;
    private static final int BLOB_ADDRESS = AAD_LENGTH + Long.BYTES;
    static final int BYTES = BLOB_ADDRESS + Long.BYTES;

    private final OffHeap memory = OffHeap.allocate(BYTES);

    public long address() {
        return memory.address();
    }

    /** The slots: a 32-byte key-encryption key, and the key of {@code keyLength} bytes that is wrapped or filled. */
    public GcmBlock keys(int kekHandle, int keyHandle, int keyLength) {
        memory.putLong(KEK_HANDLE, kekHandle).putLong(KEY_HANDLE, keyHandle).putLong(KEY_LENGTH, keyLength);
        return this;
    }

    public GcmBlock nonce(long address) {
        memory.putLong(NONCE_ADDRESS, address);
        return this;
    }

    public GcmBlock aad(long address, long lengthBytes) {
        memory.putLong(AAD_ADDRESS, address).putLong(AAD_LENGTH, lengthBytes);
        return this;
    }

    /** {@code keyLength} bytes of ciphertext, then the 16-byte tag. */
    public GcmBlock blob(long address) {
        memory.putLong(BLOB_ADDRESS, address);
        return this;
    }
}
