package io.blockseal.store;

/**
 * How to open a store.
 *
 * @param readOnly open for reading only
 * @param direct bypass the page cache (O_DIRECT)
 * @param locked hold the single-writer lock (shared if read-only); without it the contents may change under the reader
 */
public record StoreOptions(boolean readOnly, boolean direct, boolean locked) {
    /** Buffered, for reading and writing. */
    public static final StoreOptions BUFFERED = new StoreOptions(false, false);
    /** A look at a store that somebody else may be serving: read-only and without a lock. */
    public static final StoreOptions PEEK = new StoreOptions(true, false, false);

    /** With the lock. */
    public StoreOptions(boolean readOnly, boolean direct) {
        this(readOnly, direct, true);
    }
}
