package io.blockseal.store.file;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a file promises to have kept. The one way to {@link SystemFile#sync} an open store, for guests and metadata
 * alike. From any thread.
 *
 * <p>When writing back fails, Linux tells whoever syncs next, once, and forgets the pages: the sync after that succeeds
 * although data is gone. With many callers on one file the one who is told need not be the one whose data it was: a
 * guest's FLUSH could swallow the error of a table page, and the commit that needs the page would be made. So each
 * failure is counted for good, and whoever had something at stake compares the count before its write with the count
 * after its sync: that is what {@link #sync(long)} does for its caller.
 *
 * <p>Callers that wait share a sync: one that began after they came covers what they had written.
 */
final class Durability {
    private static final Logger LOG = LoggerFactory.getLogger(Durability.class);

    private final SystemFile file;
    private final String name;
    private final ReentrantLock lock = new ReentrantLock();
    private final AtomicLong asked = new AtomicLong();
    private final AtomicLong losses = new AtomicLong();
    /** Whether the last sync failed. Written under the lock, read by anybody. */
    private volatile boolean failing;
    /** What the last loss was met by. Written before the loss is counted, so that who sees the count can name it. */
    private volatile int lastError;
    /** How many have failed since one succeeded. Guarded by the lock. */
    private long failures;
    /** Calls up to this one are covered by a sync that succeeded. Guarded by the lock. */
    private long covered;

    /** For the file that messages call {@code name}. */
    Durability(SystemFile file, String name) {
        this.file = file;
        this.name = name;
    }

    /** How many syncs have failed so far. */
    long losses() {
        return losses.get();
    }

    /** Whether the last sync failed: what is written now will probably not be kept either. */
    boolean failing() {
        return failing;
    }

    /** Makes what was written before the call durable; 0 or a negative error number. */
    int sync() {
        return sync(losses.get());
    }

    /**
     * Likewise, for a caller that took {@link #losses()} before it wrote: if a sync of anybody's has failed since then,
     * the write may be among what was lost, and the answer is that error.
     */
    int sync(long lossesBefore) {
        long call = asked.incrementAndGet();
        lock.lock();
        try {
            if (losses.get() != lossesBefore) {
                return lastError;
            }
            if (covered >= call) {
                return 0;
            }
            long covers = asked.get();
            int result = file.sync();
            if (result < 0) {
                countLoss(result);
                failed();
                return result;
            }
            if (losses.get() != lossesBefore) {
                // Counted without the lock, by whoever met it while this sync was under way.
                return lastError;
            }
            covered = covers;
            if (failing) {
                succeededAgain();
            }
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Something else than a sync met an error by which the storage may have lost what it was given before. Counts without
     * waiting: no sync that ends from now on is a success to whoever wrote before. {@link #told} is to follow.
     */
    void countLoss(int error) {
        lastError = error;
        losses.incrementAndGet();
    }

    /** Likewise, and does what a loss asks for. May wait for a sync. */
    void lost(int error) {
        countLoss(error);
        told();
    }

    /** What a loss that was counted asks for. May wait for a sync. */
    void told() {
        lock.lock();
        try {
            failed();
        } finally {
            lock.unlock();
        }
    }

    private void failed() {
        failures++;
        if (!failing) {
            failing = true;
            LOG.error(
                    "store={}: a flush failed (system error {}): what was written since the last one may be lost."
                            + " Clients are told by EIO to their next FLUSH. Repair the storage; flushes go on by"
                            + " themselves when it is well again.",
                    name,
                    -lastError);
        }
        // The system keeps the pages that it could not write, as if they were on the disk. Who reads after being told
        // of the loss must see what is there.
        file.dropCache(0, 0);
    }

    private void succeededAgain() {
        file.dropCache(0, 0);
        failing = false;
        LOG.warn("store={}: flushes succeed again, after {} that failed", name, failures);
        failures = 0;
    }
}
