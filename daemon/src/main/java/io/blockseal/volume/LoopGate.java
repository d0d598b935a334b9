package io.blockseal.volume;

/**
 * What a volume may ask of one loop of a device whose requests pass it, so that a range can be changed under them. From
 * any thread; never blocks.
 */
public interface LoopGate {
    /**
     * Runs {@code task} once all requests that had begun on this loop are over; at once if its thread is gone, for then
     * there are none. Requests that begin after the call are not waited for.
     */
    void whenQuiet(Runnable task);

    /**
     * The DEKs of {@code count} ranges from {@code first} on are others now, or gone: forgets those that are cached, and has
     * all that wait look again whether they still must.
     */
    void thaw(long first, long count);
}
