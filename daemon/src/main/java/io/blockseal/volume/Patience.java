package io.blockseal.volume;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * How whoever changes a range waits for the requests that are under way. A test with one thread for everything lets the
 * loops run meanwhile.
 */
@FunctionalInterface
public interface Patience {
    /** Longer than a storage that works ever takes, shorter than the patience of guests. */
    Patience TWENTY_SECONDS = quiet -> quiet.await(20, TimeUnit.SECONDS);

    /** Whether the latch came down in time. Not on a loop. */
    boolean await(CountDownLatch quiet) throws InterruptedException;
}
