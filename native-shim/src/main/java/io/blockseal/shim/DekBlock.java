package io.blockseal.shim;

/**
 * Arguments of {@link Shim#dekWrap} and {@link Shim#dekUnwrap}: one entry of the key table, where the wrapping key is
 * derived from the table-wrapping key for this range and generation (format, "DEK wrap").
 *
 * <p>Make one per thread and reuse it; {@link #keys}, {@link #entry}, {@link #aad} and {@link #wrapped} are all needed.
 */
public final class DekBlock {
    /** Length of the wrapped key with its tag, which follow each other in a table entry. */
    public static final int WRAPPED_BYTES = Shim.DEK_BYTES + Shim.TAG_BYTES;

    static final int KIND = 4;
    private static final int TWK_HANDLE = 0;
    private static final int DEK_HANDLE = TWK_HANDLE + Long.BYTES;
    private static final int RANGE_INDEX = DEK_HANDLE + Long.BYTES;
    private static final int GENERATION = RANGE_INDEX + Long.BYTES;
    private static final int NONCE_ADDRESS = GENERATION + Long.BYTES;
    private static final int AAD_ADDRESS = NONCE_ADDRESS + Long.BYTES;
    private static final int AAD_LENGTH = AAD_ADDRESS + Long.BYTES;
    private static final int BLOB_ADDRESS = AAD_LENGTH + Long.BYTES;
    static final int BYTES = BLOB_ADDRESS + Long.BYTES;

    private final OffHeap memory = OffHeap.allocate(BYTES);

    public long address() {
        return memory.address();
    }

    /** The slots: the 32-byte table-wrapping key, and the DEK that is wrapped or filled. */
    public DekBlock keys(int twkHandle, int dekHandle) {
        memory.putLong(TWK_HANDLE, twkHandle).putLong(DEK_HANDLE, dekHandle);
        return this;
    }

    /** {@code generation} is unsigned. */
    public DekBlock entry(long rangeIndex, int generation) {
        memory.putLong(RANGE_INDEX, rangeIndex).putLong(GENERATION, Integer.toUnsignedLong(generation));
        return this;
    }

    public DekBlock aad(long address, long lengthBytes) {
        memory.putLong(AAD_ADDRESS, address).putLong(AAD_LENGTH, lengthBytes);
        return this;
    }

    /** 12 bytes of nonce, which wrapping draws and writes, and {@link #WRAPPED_BYTES} bytes of wrapped key and tag. */
    public DekBlock wrapped(long nonceAddress, long blobAddress) {
        memory.putLong(NONCE_ADDRESS, nonceAddress).putLong(BLOB_ADDRESS, blobAddress);
        return this;
    }
}
