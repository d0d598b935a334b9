package io.blockseal.store.file;

/** Who makes a store's system calls, decided once when it is opened (docs/performance.md has the measurements). */
enum Lanes {
    /** The loop makes all of them: nothing waits for a disk (tmpfs). */
    INLINE(true, true, true),
    /**
     * Buffered file on a disk of this machine: the loop reads what the page cache has and writes into the page cache;
     * pool threads do what waits: reads that miss, flushes, zeroing, looking for holes. While the disk does not answer
     * ({@link StallGuard}) they do all of it.
     */
    CACHED(true, true, false),
    /**
     * O_DIRECT on a disk of this machine: the loop sends reads and writes off by an io_uring and is told when they are
     * done ({@link RingLane}); pool threads do the rest, and all of it where the system refuses io_uring.
     */
    RING(false, false, false),
    /**
     * Pool threads make all of them: no native library, or a network or another process behind the file, which may keep
     * even a buffered write waiting for ever.
     */
    POOL(false, false, false);

    private final boolean readsInline;
    private final boolean writesInline;
    private final boolean restInline;

    Lanes(boolean readsInline, boolean writesInline, boolean restInline) {
        this.readsInline = readsInline;
        this.writesInline = writesInline;
        this.restInline = restInline;
    }

    /** Whether the loop tries reads itself. */
    boolean readsInline() {
        return readsInline;
    }

    /** Whether the loop writes itself. */
    boolean writesInline() {
        return writesInline;
    }

    /** Whether the loop flushes, zeroes and looks for holes itself, and a read on it may wait. */
    boolean restInline() {
        return restInline;
    }
}
