package io.blockseal.store.file;

import io.blockseal.metrics.Recurrence;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether one kind of call to a store fails: has the log say so, the first time at once and while it goes on at most once a
 * minute, and that it is over when a minute has passed in which none failed. Syncs are {@link Durability}'s. From any
 * thread; while all goes well it costs a look at one field.
 */
final class CallTrouble {
    private static final Logger LOG = LoggerFactory.getLogger(CallTrouble.class);

    private static final int EIO = 5;
    private static final int EFBIG = 27;
    private static final int ENOSPC = 28;
    private static final int EDQUOT = 122;

    private final String store;
    private final String calls;
    private final LongSupplier nanoTime;
    private final Recurrence failures;
    private final AtomicBoolean failing = new AtomicBoolean();
    /** How many have failed since they began to. */
    private final AtomicLong failed = new AtomicLong();

    private volatile long lastNanos;

    /** For the calls that messages name so, to the store that they name so; {@code nanoTime} as {@link System#nanoTime}. */
    CallTrouble(String store, String calls, LongSupplier nanoTime) {
        this.store = store;
        this.calls = calls;
        this.nanoTime = nanoTime;
        this.failures = new Recurrence(nanoTime);
    }

    /** A call had that result: a negative error number, or what {@code expected} says; anything else is an end too early. */
    void ended(int result, int expected) {
        if (result == expected) {
            wentWell();
        } else {
            failed(result < 0 ? -result : EIO);
        }
    }

    /** A call went well. */
    void wentWell() {
        if (failing.get()) {
            perhapsOver();
        }
    }

    private void perhapsOver() {
        if (nanoTime.getAsLong() - lastNanos >= Recurrence.PAUSE_NANOS && failing.compareAndSet(true, false)) {
            LOG.info(
                    "store={} failed={}: {} go well again; none has failed for a minute",
                    store,
                    failed.getAndSet(0),
                    calls);
        }
    }

    /** A call failed, with that (positive) error number. */
    void failed(int error) {
        failed.incrementAndGet();
        lastNanos = nanoTime.getAsLong();
        failing.set(true);
        long count = failures.count();
        if (count > 0) {
            LOG.warn(
                    "store={} failed={}: {} fail: {} (system error {}). Clients are told by an error to those requests;"
                            + " all others go on",
                    store,
                    count,
                    calls,
                    words(error),
                    error);
        }
    }

    private static String words(int error) {
        return switch (error) {
            case EIO -> "the storage answers with an input/output error";
            case ENOSPC -> "no space is left on the filesystem";
            case EDQUOT -> "the quota on the filesystem is used up";
            case EFBIG -> "the file may not become any larger";
            default -> "the system refuses";
        };
    }
}
