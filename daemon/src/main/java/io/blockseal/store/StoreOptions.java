package io.blockseal.store;

/**
 * How to open a store.
 *
 * @param readOnly open for reading, with a shared lock
 * @param direct bypass the page cache (O_DIRECT)
 */
public record StoreOptions(boolean readOnly, boolean direct) {
    /** Buffered, for reading and writing. */
    public static final StoreOptions BUFFERED = new StoreOptions(false, false);
}
