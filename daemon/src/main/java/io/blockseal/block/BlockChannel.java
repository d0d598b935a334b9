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

    /** Called once per loop turn after a burst of submits; a layer that batches sends its batch now. */
    void kick();

    /** Gives up what the channel holds. Nothing is in flight on it any more. */
    @Override
    void close();
}
