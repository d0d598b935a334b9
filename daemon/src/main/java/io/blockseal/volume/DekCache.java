package io.blockseal.volume;

/** One loop's bounded LRU of unwrapped DEKs. On that loop's thread only; no I/O, no lock, no allocation. */
public interface DekCache extends AutoCloseable {
    /**
     * The key handle of an ACTIVE range as {@code word} describes it, unwrapping its DEK if it is not cached. Valid until
     * the next call on this cache: use it at once.
     *
     * @return 0 if the DEK cannot be unwrapped: the table entry was altered; the request gets EIO
     */
    int keyFor(long rangeIndex, long word);

    /** Wipes every cached DEK. */
    @Override
    void close();
}
