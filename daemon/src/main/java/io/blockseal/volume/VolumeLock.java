package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.block.Errno;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.RootReader;
import io.blockseal.volume.slot.RootAuthenticator;
import io.blockseal.volume.slot.SlotChoice;
import io.blockseal.volume.table.VolumeKeys;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes the keys of an open volume out of memory and brings them back, while clients stay connected. Locked, a volume is
 * ciphertext to everybody, this process included: all its ranges are held, what was under way has ended, and every DEK and
 * every key that wraps DEKs is wiped. On any thread but a loop's and a keeper's.
 */
public final class VolumeLock {
    /** What becomes of requests while the volume is locked. */
    public enum Policy {
        /** They wait until it is unlocked. */
        FREEZE,
        /** They fail with EIO. */
        FAIL
    }

    private static final Logger LOG = LoggerFactory.getLogger(VolumeLock.class);

    private final Volume volume;
    /** Written under our monitor. */
    private volatile boolean locked;
    /** Counts those who wanted it locked. Written under our monitor. */
    private volatile long orders;
    /** Also while it is waited for. */
    private volatile boolean wanted;

    /** Requests wait, or will as soon as those under way have ended. */
    private volatile boolean freezing;

    private volatile boolean over;
    private volatile Errno whileHeld = Errno.OK;

    VolumeLock(Volume volume) {
        this.volume = volume;
    }

    /** Whether nobody has wanted it locked since {@code order}. From any thread, without waiting. */
    public boolean isLatest(long order) {
        return orders == order;
    }

    boolean isWanted() {
        return wanted;
    }

    /** Whether requests wait or fail because of this. */
    boolean isLocked() {
        return locked;
    }

    Errno whileHeld() {
        return whileHeld;
    }

    boolean isFrozen() {
        return freezing && !over;
    }

    /**
     * Locks. If it is locked already, only what becomes of requests changes.
     *
     * @throws StoreException if requests that are under way do not end, as the storage does not answer: then nothing is
     *     locked; or if it is locked, but a loop has not said yet that the DEKs it had are wiped: then locking it once more
     *     asks again
     */
    public void lock(Policy policy) throws StoreException, VolumeRefusedException {
        lock(policy, Patience.TWENTY_SECONDS);
    }

    /** The same, waiting for requests that are under way as {@code patience} has it. */
    public synchronized void lock(Policy policy, Patience patience) throws StoreException, VolumeRefusedException {
        orders++;
        if (!locked) {
            wanted = true;
            freezing = policy == Policy.FREEZE;
            // A range that is being copied is finished or given up before; the next one waits for the key.
            volume.rangeChanges().acquireUninterruptibly();
            boolean done = false;
            try {
                volume.gate().hold(0, volume.shape().rangeCount(), patience);
                volume.committer().takeKeysAway(volume.keys()::close);
                done = true;
            } finally {
                if (!done) {
                    wanted = false;
                    freezing = false;
                    volume.gate().thaw(0, volume.shape().rangeCount());
                    volume.rangeChanges().release();
                }
            }
            locked = true;
            record(AuditEvent.VOLUME_LOCKED);
        }
        freezing = policy == Policy.FREEZE;
        if (!over) {
            whileHeld = policy == Policy.FAIL ? Errno.EIO : Errno.OK;
        }
        volume.gate().lookAgain(0, volume.shape().rangeCount());
        if (!volume.gate().becomesQuiet(patience)) {
            throw new StoreException(
                    Errno.EIO, volume.name() + ": is locked, but a loop has not said yet that its DEKs are wiped");
        }
        LOG.info("volume={} requests={}: locked", volume.logName(), policy == Policy.FAIL ? "fail" : "wait");
    }

    /**
     * Locks it if nobody else has. Who did so may {@link #unlockUnlessWanted}, with what this returns.
     *
     * @return the number of this order, or -1 if it was locked already
     */
    public synchronized long lockUnlessLocked(Policy policy) throws StoreException, VolumeRefusedException {
        if (locked) {
            return -1;
        }
        try {
            lock(policy);
        } catch (StoreException failed) {
            if (!locked) {
                throw failed;
            }
            LOG.error("volume={}: {}", volume.logName(), failed.getMessage());
        }
        return orders;
    }

    /**
     * Unlocks, unless somebody has wanted it locked since {@code order}.
     *
     * @return whether it was locked, and is no longer
     */
    public synchronized boolean unlockUnlessWanted(long order, List<KeySource> sources)
            throws StoreException, VolumeRefusedException, MalformedVolumeException, KeySourceException,
                    WrongKeyException {
        if (!locked || orders != order) {
            return false;
        }
        unlock(sources, volume.slotChoice());
        return true;
    }

    /**
     * Unlocks, with one of the keys that open the volume. Does nothing if it is not locked.
     *
     * @throws VolumeRefusedException if the metadata on the store is no longer what it was; the volume stays locked
     */
    public synchronized void unlock(List<KeySource> sources)
            throws StoreException, VolumeRefusedException, MalformedVolumeException, KeySourceException,
                    WrongKeyException {
        unlock(sources, SlotChoice.REQUESTED);
    }

    private void unlock(List<KeySource> sources, SlotChoice choice)
            throws StoreException, VolumeRefusedException, MalformedVolumeException, KeySourceException,
                    WrongKeyException {
        if (!locked) {
            return;
        }
        VolumeKeys fresh = keysBy(sources, choice);
        boolean taken = false;
        try {
            volume.committer().bringKeysBack(() -> volume.keys().replaceBy(fresh));
            taken = true;
        } finally {
            if (!taken) {
                fresh.close();
            }
        }
        freezing = false;
        if (!over) {
            whileHeld = Errno.OK;
        }
        volume.gate().thaw(0, volume.shape().rangeCount());
        wanted = false;
        // Not before: whoever sees it unlocked has its requests done.
        locked = false;
        volume.rangeChanges().release();
        LOG.info("volume={}: unlocked", volume.logName());
        record(AuditEvent.VOLUME_UNLOCKED);
    }

    /** Nobody else reads or writes the metadata while it is locked, and a key source may take its time. */
    private VolumeKeys keysBy(List<KeySource> sources, SlotChoice choice)
            throws StoreException, VolumeRefusedException, MalformedVolumeException, KeySourceException,
                    WrongKeyException {
        byte[] identity = volume.keys().identityTag();
        RootReader roots = RootReader.read(volume.metadataCopies());
        VolumeKeys fresh = new RootAuthenticator(volume.engine(), volume.stores(), sources, choice)
                .authenticate(roots)
                .keys();
        // The root that this process wrote last is the one that counts, whatever lies on the store by now.
        if (!Arrays.equals(identity, fresh.identityTag()) || !fresh.verifies(volume.diskRoot())) {
            fresh.close();
            throw new VolumeRefusedException(
                    Reason.IDENTITY,
                    volume.name() + ": the key is of another volume key than the one it was locked with: somebody has"
                            + " changed the metadata meanwhile. Find out who; the volume stays locked");
        }
        return fresh;
    }

    /** No more waiting: whoever waits for a range, and whoever will, is told that the volume is being closed. */
    void giveUp() {
        over = true;
        whileHeld = Errno.ESHUTDOWN;
        volume.gate().lookAgain(0, 0);
    }

    private void record(AuditEvent event) {
        AuditLog.record(event, AuditField.of("volume", volume.logName()), AuditField.of("uuid", volume.uuid()));
    }
}
