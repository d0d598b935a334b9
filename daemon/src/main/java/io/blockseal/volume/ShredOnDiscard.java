package io.blockseal.volume;

import io.blockseal.store.StoreException;
import io.blockseal.volume.metadata.RetryTimer;
import io.blockseal.volume.table.NotedRanges;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Shreds ranges in which guests have discarded everything: a while after a TRIM or WRITE_ZEROES the ranges that it touched
 * are looked at, and the DEK of each that holds nothing any more is destroyed. No request waits for it, except those to
 * the range itself while it is shredded, for some milliseconds.
 *
 * <p>Made once for an open volume, and closed before it. What was not looked at by then is not shredded: discarded data
 * is zeros all the same.
 */
public final class ShredOnDiscard implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ShredOnDiscard.class);
    /** Filesystems discard in many small requests; one look at a range is enough for all of them. */
    private static final long GATHER_MILLIS = 2_000;

    private static final long RETRY_MILLIS = 60_000;

    private final Volume volume;
    private final Executor worker;
    private final RetryTimer timer;
    private final Patience patience;
    private final NotedRanges discarded;
    private final SlotContent content;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
    private boolean looking;
    private boolean lookAgain;
    private final AtomicBoolean retrying = new AtomicBoolean();
    private volatile boolean closed;

    /** {@code worker} runs what may block, on threads that are neither loops nor the volume's keeper. */
    public ShredOnDiscard(Volume volume, Executor worker, RetryTimer timer) {
        this(volume, worker, timer, Patience.TWENTY_SECONDS);
    }

    /** The same, waiting for the requests under way as {@code patience} has it. */
    public ShredOnDiscard(Volume volume, Executor worker, RetryTimer timer, Patience patience) {
        this.volume = volume;
        this.worker = worker;
        this.timer = timer;
        this.patience = quiet -> {
            if (closed) {
                throw new InterruptedException("the volume is being closed");
            }
            return patience.await(quiet);
        };
        this.content = new SlotContent(volume.stores().data());
        this.discarded = new NotedRanges(volume.shape().rangeCount(), this::lookLater);
        volume.noteDiscards(discarded);
    }

    private void lookLater() {
        timer.schedule(GATHER_MILLIS, () -> worker.execute(this::look));
    }

    private void look() {
        boolean more = mayBegin();
        while (more) {
            try {
                lookAtAll();
            } catch (RuntimeException | Error e) {
                LOG.warn("volume={}: what was discarded is not looked at until more is", volume.logName(), e);
            }
            more = isWanted();
        }
    }

    /** Whether to look; if somebody does already, that one looks once more. */
    private boolean mayBegin() {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            lookAgain = looking;
            looking = true;
            return !lookAgain;
        } finally {
            lock.unlock();
        }
    }

    /** Whether to look again; if not, whoever waits for the end is told. */
    private boolean isWanted() {
        lock.lock();
        try {
            looking = lookAgain && !closed;
            lookAgain = false;
            idle.signalAll();
            return looking;
        } finally {
            lock.unlock();
        }
    }

    private void lookAtAll() {
        discarded.beginLooking();
        long shredded = 0;
        long range = discarded.takeFrom(0);
        while (range >= 0 && !closed) {
            try {
                shredded += VolumeShredder.shredIfEmpty(volume, range, content, patience) ? 1 : 0;
            } catch (StoreException e) {
                // Those behind it may be well.
                later(range, e);
            } catch (VolumeRefusedException | RuntimeException e) {
                later(range, e);
                break;
            }
            range = discarded.takeFrom(range + 1);
        }
        if (shredded > 0) {
            LOG.info("volume={} shredded={}: ranges that guests had discarded", volume.logName(), shredded);
        }
    }

    private void later(long range, Exception why) {
        discarded.set(range);
        LOG.warn(
                "volume={} range={}: was discarded and is not shredded yet: {}",
                volume.logName(),
                range,
                why.getMessage());
        if (retrying.compareAndSet(false, true)) {
            timer.schedule(RETRY_MILLIS, () -> worker.execute(this::retry));
        }
    }

    private void retry() {
        retrying.set(false);
        look();
    }

    /** Looks no more; waits until what is being shredded is. A second call does nothing. */
    @Override
    public void close() {
        volume.noteDiscards(null);
        lock.lock();
        try {
            closed = true;
            while (looking) {
                idle.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }
}
