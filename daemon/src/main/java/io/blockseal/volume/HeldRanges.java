package io.blockseal.volume;

import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.metadata.MetadataCommitter;
import io.blockseal.volume.metadata.MetadataState.CommitFailedException;
import java.util.Collection;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ranges that are held while one commit changes them under their guests, and let go only when it is known whether the
 * commit has happened: were they let go as they had been although it has, what guests write then would be lost. On one
 * thread, not a loop's and not a keeper's.
 */
final class HeldRanges implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HeldRanges.class);

    private final Volume volume;
    private final long first;
    private final long count;
    private final Patience patience;
    private final BooleanSupplier changed;
    private boolean held;
    private boolean attempted;
    private boolean happened;
    private boolean unknown;

    /** {@code changed} tells by the table whether the commit has happened; nothing is held yet. */
    HeldRanges(Volume volume, long first, long count, Patience patience, BooleanSupplier changed) {
        this.volume = volume;
        this.first = first;
        this.count = count;
        this.patience = patience;
        this.changed = changed;
    }

    /**
     * When it returns, no request to the ranges is under way, and new ones wait until {@link #close}.
     *
     * @throws StoreException if requests do not end, as the storage does not answer; nothing is held then
     */
    void hold() throws StoreException {
        volume.gate().hold(first, count, patience);
        held = true;
    }

    boolean isHeld() {
        return held;
    }

    /** Runs {@code task} on the keeper, which changes the ranges by {@link #commitAndScrub}. */
    void change(MetadataCommitter.Task task) throws StoreException, VolumeRefusedException {
        boolean broken = true;
        try {
            volume.committer().runAlone(task);
            broken = false;
        } catch (StoreException | VolumeRefusedException e) {
            broken = false;
            awaitOutcome();
            throw e;
        } finally {
            happened = attempted && changed.getAsBoolean();
            // After a defect of ours nobody finds out any more.
            unknown = attempted && !happened && (broken || volume.committer().isInDoubt());
        }
    }

    /** The commit of {@link #change}; on the keeper. */
    void commitAndScrub(RootBlock next, Collection<TablePage> pages, Runnable stands)
            throws StoreException, CommitFailedException {
        attempted = true;
        volume.committer().commitAndScrub(next, pages, stands);
    }

    /** Until it is known whether the commit has happened. */
    private void awaitOutcome() {
        boolean told = false;
        try {
            while (attempted
                    && !changed.getAsBoolean()
                    && !patience.await(volume.committer().settled())) {
                if (!told) {
                    told = true;
                    LOG.warn(
                            "volume={} range={} count={}: requests wait until the storage says what the disk has",
                            volume.logName(),
                            first,
                            count);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the commit has happened, however {@link #change} ended. */
    boolean haveChanged() {
        return happened;
    }

    /** Whether nobody knows, nor will before the volume is opened anew: neither state may be built on. */
    boolean areInDoubt() {
        return unknown;
    }

    /** Lets guests go on, unless nobody knows on what. */
    @Override
    public void close() {
        if (unknown) {
            volume.gate().leaveHeld(first, count);
            LOG.warn(
                    "volume={} range={} count={}: held until the volume is opened anew, which finds out what the disk has",
                    volume.logName(),
                    first,
                    count);
        } else if (held) {
            volume.gate().thaw(first, count);
        }
        held = false;
    }
}
