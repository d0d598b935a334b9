package io.blockseal.block;

/** One event loop's way into a device. All methods are called on that loop's thread. */
public interface BlockChannel extends AutoCloseable {
    /**
     * Takes the request and completes it exactly once, on this thread, perhaps before returning. Never blocks for long
     * and never throws for I/O: what goes wrong is the request's {@link BlockRequest#errno()}. The caller has checked
     * that the stretch lies within the device.
     */
    void submit(BlockRequest request);

    /** Whether a WRITE's {@link BlockRequest#work} is done here before its bytes are stored. */
    default boolean worksBeforeWriting() {
        return false;
    }

    /**
     * Whether requests would wait here for as long as somebody pleases: who can leave them unbegun does, and holds nothing
     * for them meanwhile.
     */
    default boolean isFrozen() {
        return false;
    }

    /** Has {@code task} run on this thread once the device may be frozen no more; it looks again then. */
    default void whenThawed(Runnable task) {
        throw new IllegalStateException("never frozen");
    }

    /**
     * Whoever sent the requests is gone, or is being sent away. What waits in a frozen device, and what would from now on,
     * fails with ESHUTDOWN instead of being done when others long write there; all else runs to its end.
     */
    default void abandon() {}

    /** Called once per loop turn after a burst of submits; a layer that batches sends its batch now. */
    void kick();

    /** Gives up what the channel holds. Nothing is in flight on it any more. */
    @Override
    void close();
}
