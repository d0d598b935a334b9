package io.blockseal.shim;

/**
 * Arguments of {@link Shim#hkdfSha256} (RFC 5869 with SHA-256): key material from a slot, salt and info from memory, the
 * result to a slot or to memory.
 *
 * <p>A new block extracts and expands, with empty salt and info. Make one per thread and reuse it.
 */
public final class HkdfBlock {
    static final int KIND = 2;
    private static final int KEY_HANDLE = 0;
    private static final int KEY_LENGTH = KEY_HANDLE + Long.BYTES;
    private static final int SALT_ADDRESS = KEY_LENGTH + Long.BYTES;
    private static final int SALT_LENGTH = SALT_ADDRESS + Long.BYTES;
    private static final int INFO_ADDRESS = SALT_LENGTH + Long.BYTES;
    private static final int INFO_LENGTH = INFO_ADDRESS + Long.BYTES;
    private static final int OUT_HANDLE = INFO_LENGTH + Long.BYTES;
    private static final int OUT_ADDRESS = OUT_HANDLE + Long.BYTES;
    private static final int OUT_LENGTH = OUT_ADDRESS + Long.BYTES;
    private static final int EXPAND_ONLY = OUT_LENGTH + Long.BYTES;
    static final int BYTES = EXPAND_ONLY + Long.BYTES;

    private final OffHeap memory = OffHeap.allocate(BYTES);

    public long address() {
        return memory.address();
    }

    /** The input key material, or with {@link #expandOnly} the pseudo-random key. */
    public HkdfBlock key(int handle, int lengthBytes) {
        memory.putLong(KEY_HANDLE, handle).putLong(KEY_LENGTH, lengthBytes);
        return this;
    }

    public HkdfBlock salt(long address, long lengthBytes) {
        memory.putLong(SALT_ADDRESS, address).putLong(SALT_LENGTH, lengthBytes);
        return this;
    }

    public HkdfBlock info(long address, long lengthBytes) {
        memory.putLong(INFO_ADDRESS, address).putLong(INFO_LENGTH, lengthBytes);
        return this;
    }

    /** The result becomes a key of 1 to 64 bytes in a slot. */
    public HkdfBlock toKey(int handle, int lengthBytes) {
        memory.putLong(OUT_HANDLE, handle).putLong(OUT_ADDRESS, 0).putLong(OUT_LENGTH, lengthBytes);
        return this;
    }

    /** The result goes to memory, up to 8,160 bytes; for what is public, such as identity tags. */
    public HkdfBlock toMemory(long address, long lengthBytes) {
        memory.putLong(OUT_HANDLE, 0).putLong(OUT_ADDRESS, address).putLong(OUT_LENGTH, lengthBytes);
        return this;
    }

    public HkdfBlock expandOnly(boolean expandOnly) {
        memory.putLong(EXPAND_ONLY, expandOnly ? 1 : 0);
        return this;
    }
}
