package io.blockseal.app.tending;

import io.blockseal.admin.KeyHealth.Service;
import io.blockseal.config.KeyCheck.OnRevocation;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeLock;
import io.blockseal.volume.VolumeRefusedException;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The lock that a revocation puts on a volume, beside those of operators, whose word counts more: what they have locked is
 * not unlocked by this, and what they unlock stays open until the key was given back. Used by {@link KeyCanary}, under its
 * monitor but for {@link #unlock} and {@link #service}.
 */
final class RevocationLock {
    private static final Logger LOG = LoggerFactory.getLogger(RevocationLock.class);

    /** Whose word it is that counts. */
    private enum State {
        /** Nobody's: its key is not revoked, or was given back. */
        NONE,
        /** We have locked it. */
        OURS,
        /** We had locked it, and an operator has locked it since. */
        THEIRS,
        /** We had locked it, and an operator has unlocked it. */
        OVERRULED
    }

    /** What there is to do about its key. */
    enum Task {
        /** Nothing: it is closed, or an operator has locked it. */
        NONE,
        /** To see whether the source would open it. */
        VERIFY,
        /** To open it again, as it is locked by us. */
        RESUME
    }

    private final String name;
    private final Volume volume;
    private final OnRevocation policy;
    private volatile State state = State.NONE;
    /** We are locking it, or unlocking it. */
    private volatile boolean busy;
    /** What {@link VolumeLock} calls the order by which we have locked it. */
    private volatile long order;

    RevocationLock(String name, Volume volume, OnRevocation policy) {
        this.name = name;
        this.volume = volume;
        this.policy = policy;
    }

    private boolean isLocked() {
        return volume.state() == Volume.State.LOCKED || volume.isLockedOrAboutTo();
    }

    /** What there is to do, after whatever operators have done since the last time. */
    Task task() {
        boolean locked = isLocked();
        if (!locked && (state == State.OURS || state == State.THEIRS)) {
            state = State.OVERRULED;
        }
        if (volume.state() == Volume.State.CLOSED || (locked && state != State.OURS)) {
            return Task.NONE;
        }
        return locked ? Task.RESUME : Task.VERIFY;
    }

    /** Whether we have locked it, and no operator has unlocked it since, as far as {@link #task} has seen. */
    boolean isOurs() {
        return state == State.OURS;
    }

    /**
     * Unlocks it by the sources; {@link #given} is to be told then.
     *
     * @return whether it did; else an operator has wanted it locked, or unlocked, since
     */
    boolean unlock(List<KeySource> sources)
            throws StoreException, VolumeRefusedException, MalformedVolumeException, KeySourceException,
                    WrongKeyException {
        boolean unlocked = false;
        busy = true;
        try {
            unlocked = volume.lock().unlockUnlessWanted(order, sources);
            if (!unlocked) {
                state = State.THEIRS;
            }
            return unlocked;
        } finally {
            busy = unlocked;
        }
    }

    /** The key is there: what was done without it, by whomever, is over. */
    void given() {
        state = State.NONE;
        busy = false;
    }

    /** The time of grace is over. If it cannot be locked, this is to be called again. */
    void lock() {
        if (state != State.NONE || policy == OnRevocation.CONTINUE) {
            return;
        }
        busy = true;
        try {
            order = volume.lock()
                    .lockUnlessLocked(
                            policy == OnRevocation.FREEZE ? VolumeLock.Policy.FREEZE : VolumeLock.Policy.FAIL);
            state = order < 0 ? State.NONE : State.OURS;
        } catch (StoreException | VolumeRefusedException failed) {
            LOG.error("volume={}: cannot be locked, and that is tried again: {}", name, failed.getMessage());
        } finally {
            busy = false;
        }
    }

    /** What becomes of the volume. From any thread, without waiting. */
    Service service() {
        if (busy) {
            return Service.ENDED;
        }
        State now = state;
        if (isLocked()) {
            return now == State.OURS && volume.lock().isLatest(order) ? Service.ENDED : Service.LOCKED;
        }
        return now == State.NONE ? Service.ON : Service.OVERRULED;
    }
}
