package io.blockseal.volume;

/** One loop's bounded LRU of unwrapped DEKs. On that loop's thread only; no I/O, no lock, no allocation. */
public interface DekCache extends AutoCloseable {
    /** Says that a key could be pinned at another time. */
    int NO_PIN = -1;

    /**
     * The key handle of an ACTIVE range as {@code word} describes it, unwrapping its DEK if it is not cached. Valid until
     * the next call on this cache: use it at once.
     *
     * @return 0 if the DEK cannot be unwrapped: the table entry was altered; the request gets EIO
     */
    int keyFor(long rangeIndex, long word);

    /**
     * As {@link #keyFor}, but the key stays as it is until {@link #unpin}, so that it may be used on another thread
     * meanwhile.
     *
     * @return what {@link #pinnedKey} and {@link #unpin} want to be told; 0 if the DEK cannot be unwrapped; or
     *     {@link #NO_PIN} if too much is pinned already, and then {@link #keyFor} has to do
     */
    int pin(long rangeIndex, long word);

    /** The key handle of a pin. From any thread, between {@link #pin} and {@link #unpin}. */
    int pinnedKey(int pin);

    /** Ends a pin; each is ended once. */
    void unpin(int pin);

    /** Wipes what is cached of {@code count} ranges from {@code first} on; what is pinned, when its last pin ends. */
    void forget(long first, long count);

    /** Wipes every cached DEK; nothing is pinned any more. */
    @Override
    void close();
}
