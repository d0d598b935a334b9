package io.blockseal.volume.metadata;

import io.blockseal.block.Errno;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.metadata.MetadataCommitter.State;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a volume's metadata takes commits, and what people are told when that changes. Read from any thread; but for
 * {@link #close} changed by the keeper alone.
 */
final class CommitStanding {
    private static final Logger LOG = LoggerFactory.getLogger(CommitStanding.class);

    private final String volumeName;

    /** Guards changes of the state. */
    private final Object lock = new Object();

    private volatile State state = State.RUNNING;
    private CountDownLatch settled = new CountDownLatch(0);

    /** Whether {@link State#FAILED}, also if it came to that while it was being closed. The keeper's own. */
    private boolean stopped;

    private boolean defective;
    private boolean toldOfFailure;

    CommitStanding(String volumeName) {
        this.volumeName = volumeName;
    }

    State state() {
        return state;
    }

    boolean isRunning() {
        return state == State.RUNNING;
    }

    boolean isFailed() {
        return state == State.FAILED;
    }

    /** Whether a defect of ours stopped it, so that no recovery is tried. On the keeper. */
    boolean isDefective() {
        return defective;
    }

    /** Whether nothing has failed that was not made whole again, also while it is being closed. On the keeper. */
    boolean isUnhurt() {
        return !stopped;
    }

    /** Why a range gets no key. */
    Errno whyNot() {
        return isFailed() ? Errno.EIO : Errno.ESHUTDOWN;
    }

    VolumeRefusedException notWritable() {
        return new VolumeRefusedException(
                VolumeRefusedException.Reason.NOT_WRITABLE,
                volumeName + ": the metadata takes no changes (" + state + "); the log says why");
    }

    /** Comes down once it has not failed, or is closed. */
    CountDownLatch settled() {
        synchronized (lock) {
            if (isFailed() && settled.getCount() == 0) {
                settled = new CountDownLatch(1);
            }
            return settled;
        }
    }

    /** No commit follows until {@link #recovered}. */
    void stop(String what, Throwable reason) {
        stopped = true;
        synchronized (lock) {
            if (isRunning()) {
                state = State.FAILED;
            }
        }
        LOG.error(
                "volume={}: metadata stopped: {}: {}. Ranges in use go on, new ranges fail with EIO. {}",
                volumeName,
                what,
                reason.getMessage(),
                defective
                        ? "Close and open the volume again."
                        : "Repair the store; the metadata is tried again and made whole by itself.",
                reason);
    }

    /** After a defect of ours memory is no better than the disk: only opening anew may judge. */
    void stopForGood(Throwable reason) {
        defective = true;
        stop("our own defect", reason);
    }

    /** The disk has what memory has. */
    void recovered() {
        stopped = false;
        toldOfFailure = false;
        synchronized (lock) {
            if (isFailed()) {
                state = State.RUNNING;
            }
            settled.countDown();
        }
    }

    /** A recovery was tried in vain. */
    void notRecovered(Exception reason) {
        if (isRunning()) {
            stop("it cannot be compared with the disk", reason);
        } else if (!toldOfFailure) {
            toldOfFailure = true;
            LOG.warn(
                    "volume={}: the metadata is not whole yet, and is tried again: {}",
                    volumeName,
                    reason.getMessage());
        } else {
            LOG.debug("volume={}: the metadata is not whole yet: {}", volumeName, reason.getMessage());
        }
    }

    /** No more are taken, for ever. From any thread. */
    void close() {
        synchronized (lock) {
            state = State.CLOSED;
            settled.countDown();
        }
    }
}
