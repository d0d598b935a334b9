package io.blockseal.shim;

/**
 * Arguments of {@link Shim#hmacSha256Parts}: a key, where the 32 bytes go, and up to eight pieces, as if they were one.
 *
 * <p>Make one per thread and reuse it: {@link #begin}, then {@link #add} for each piece. The result may overwrite a piece.
 */
public final class HmacBlock {
    public static final int PARTS_MAX = 8;

    static final int KIND = 1;
    private static final int KEY_HANDLE = 0;
    private static final int KEY_LENGTH = KEY_HANDLE + Long.BYTES;
    private static final int OUT_ADDRESS = KEY_LENGTH + Long.BYTES;
    private static final int PART_COUNT = OUT_ADDRESS + Long.BYTES;
    private static final int PARTS = PART_COUNT + Long.BYTES;
    private static final int PART_BYTES = 2 * Long.BYTES;
    static final int BYTES = PARTS + PARTS_MAX * PART_BYTES;

    private final OffHeap memory = OffHeap.allocate(BYTES);
    private int partCount;

    public long address() {
        return memory.address();
    }

    /** Forgets all pieces and names the key and the place of the result. */
    public HmacBlock begin(int keyHandle, int keyLength, long outAddress) {
        partCount = 0;
        memory.putLong(KEY_HANDLE, keyHandle)
                .putLong(KEY_LENGTH, keyLength)
                .putLong(OUT_ADDRESS, outAddress)
                .putLong(PART_COUNT, 0);
        return this;
    }

    public HmacBlock add(long address, long length) {
        if (partCount == PARTS_MAX) {
            throw new IllegalStateException("more than " + PARTS_MAX + " pieces");
        }
        int part = PARTS + partCount * PART_BYTES;
        partCount++;
        memory.putLong(part, address).putLong(part + Long.BYTES, length).putLong(PART_COUNT, partCount);
        return this;
    }
}
