package io.blockseal.metrics;

import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLongArray;

/** How often the configuration was loaded again, and what came of it last. From any thread. */
public final class ReloadFigures {
    private final AtomicLongArray counts = new AtomicLongArray(ReloadResult.values().length);
    private final InstantSource clock;
    private volatile ReloadResult last = ReloadResult.DONE;
    private volatile long doneSeconds;

    /** The start of the daemon, by {@code clock}, was the first time. */
    public ReloadFigures(InstantSource clock) {
        this.clock = clock;
        this.doneSeconds = clock.instant().getEpochSecond();
    }

    /** It was loaded again. */
    public void count(ReloadResult result) {
        counts.incrementAndGet(result.ordinal());
        last = result;
        if (result == ReloadResult.DONE) {
            doneSeconds = clock.instant().getEpochSecond();
        }
    }

    /** How often it came out so. */
    public long countOf(ReloadResult result) {
        return counts.get(result.ordinal());
    }

    /** Whether all that the file said when it was read last is in force. */
    public boolean isInForce() {
        return last == ReloadResult.DONE;
    }

    /** When all of the file was in force last, in Unix time. */
    public long doneSeconds() {
        return doneSeconds;
    }
}
