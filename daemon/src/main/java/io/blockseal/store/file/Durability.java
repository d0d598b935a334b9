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
 * guest's FLUSH could swallow the error of a table page, and the commit that needs the page would be made. So after the
 * first failure none succeeds any more until the store was closed and opened again.
 *
 * <p>Callers that wait share a sync: one that began after they came covers what they had written.
 */
final class Durability {
    private static final Logger LOG = LoggerFactory.getLogger(Durability.class);

    private static final int EIO = -5;

    private final SystemFile file;
    private final String name;
    private final ReentrantLock lock = new ReentrantLock();
    private final AtomicLong asked = new AtomicLong();
    /** Guarded by the lock. */
    private boolean lost;
    /** Calls up to this one are covered by a sync that succeeded. Guarded by the lock. */
    private long covered;

    /** For the file that messages call {@code name}. */
    Durability(SystemFile file, String name) {
        this.file = file;
        this.name = name;
    }

    /** Makes what was written before the call durable; 0 or a negative error number. */
    int sync() {
        long call = asked.incrementAndGet();
        lock.lock();
        try {
            if (lost) {
                return EIO;
            }
            if (covered >= call) {
                return 0;
            }
            long covers = asked.get();
            int result = file.sync();
            if (result < 0) {
                lose(result);
                return result;
            }
            covered = covers;
            return 0;
        } finally {
            lock.unlock();
        }
    }

    /** Nothing that was not durable by now can be relied on: no sync succeeds any more. */
    private void lose(int error) {
        lost = true;
        LOG.error(
                "store={}: a flush failed (system error {}): what was written since the last one may be lost. Every"
                        + " further flush fails. Repair the storage, then close and open the volume again.",
                name,
                -error);
    }
}
