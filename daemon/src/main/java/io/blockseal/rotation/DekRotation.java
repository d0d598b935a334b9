package io.blockseal.rotation;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.memory.Memory;
import io.blockseal.metrics.RotationMetrics;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Patience;
import io.blockseal.volume.RangeMove;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.WrittenChunks;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives ranges new DEKs, one after the other, while guests use the volume or while it is closed to them. What is done
 * stays done whenever it ends; the range that was being copied then keeps its old DEK. On a thread of its own.
 */
public final class DekRotation {
    /**
     * What a rotation has done.
     *
     * @param rotatedRanges how many ranges have new DEKs
     * @param copiedBytes how much was copied for it, what guests changed meanwhile counted again
     */
    public record Outcome(long rotatedRanges, long copiedBytes) {}

    /** What is worth one more round before the range is held. */
    private static final int CHUNKS_WHILE_HELD = 8;

    private static final int ROUNDS_MAX = 5;
    /** Rounds without a limit to the rate: guests that write faster than it allows would be held for long. */
    private static final int HASTY_ROUNDS_MAX = 3;

    private static final int FAILED_IN_A_ROW_MAX = 8;
    private static final long NAP_NANOS = 200_000_000;

    private static final Logger LOG = LoggerFactory.getLogger(DekRotation.class);

    private final Volume volume;
    private final Memory chunk;
    private final RateLimit rate;
    private final Patience patience;
    private final LongConsumer sleepNanos;
    private final int chunksWhileHeld;
    private long rotated;
    private long copied;
    private long failed;
    private int failedInARow;
    private @Nullable StoreException firstFailure;

    /** {@code chunk} has room for {@link WrittenChunks#CHUNK_BYTES}, aligned as the store wants it. */
    public DekRotation(Volume volume, Memory chunk, RateLimit rate) {
        this(volume, chunk, rate, Patience.TWENTY_SECONDS, LockSupport::parkNanos, CHUNKS_WHILE_HELD);
    }

    DekRotation(
            Volume volume,
            Memory chunk,
            RateLimit rate,
            Patience patience,
            LongConsumer sleepNanos,
            int chunksWhileHeld) {
        this.volume = volume;
        this.chunk = chunk;
        this.rate = rate;
        this.patience = patience;
        this.sleepNanos = sleepNanos;
        this.chunksWhileHeld = chunksWhileHeld;
    }

    /**
     * Rotates what is selected, oldest first. Ranges that lose their DEK meanwhile are left out.
     *
     * @throws VolumeRefusedException if the volume takes no changes or has no slot to copy to
     * @throws StoreException if the storage failed at some ranges, which are as they were or have their new DEKs; all
     *     others were rotated, unless many failed one after the other
     * @throws JobCanceledException if it was told to end
     */
    public Outcome run(RangeSelection selection, JobControl control)
            throws StoreException, VolumeRefusedException, JobCanceledException {
        List<Long> ranges = selection.of(volume);
        control.phase("rotating DEKs");
        long rangeBytes = volume.shape().rangeBytes();
        RotationMetrics metrics = volume.rotationMetrics();
        metrics.begin(ranges.size(), rate.bytesPerSecond(), selection.newSinceSeconds(volume.nowSeconds()));
        try {
            for (int i = 0; i < ranges.size(); i++) {
                metrics.done(i);
                control.progress(i * rangeBytes, ranges.size() * rangeBytes);
                rotate(ranges.get(i), control);
            }
            metrics.done(ranges.size());
            control.progress(ranges.size() * rangeBytes, ranges.size() * rangeBytes);
        } finally {
            metrics.end();
            tell();
        }
        if (failed > 0) {
            throw summary();
        }
        return outcome();
    }

    private void rotate(long range, JobControl control)
            throws StoreException, VolumeRefusedException, JobCanceledException {
        boolean done = false;
        while (!done) {
            control.checkpoint();
            if (isLocked()) {
                sleepNanos.accept(NAP_NANOS);
                continue;
            }
            try {
                done = isRotated(range, control);
                failedInARow = 0;
            } catch (VolumeRefusedException e) {
                // Somebody may have locked it between our look and our turn; that comes and goes.
                if (!isLocked()) {
                    throw e;
                }
            } catch (StoreException e) {
                // One bad place must not keep all ranges behind it under their old DEKs.
                LOG.warn("volume={} range={}: keeps its DEK: {}", volume.logName(), range, e.getMessage());
                firstFailure = firstFailure == null ? e : firstFailure;
                failed++;
                volume.rotationMetrics().failed();
                failedInARow++;
                done = true;
                if (failedInARow == FAILED_IN_A_ROW_MAX) {
                    throw summary();
                }
            }
        }
    }

    private boolean isLocked() {
        return volume.isLockedOrAboutTo() || volume.state() == Volume.State.LOCKED;
    }

    private StoreException summary() {
        StoreException first = Objects.requireNonNull(firstFailure);
        String which = failed == 1 ? "" : failed + " ranges could not be rotated, and keep their DEKs; the first: ";
        return new StoreException(first.errno(), which + first.getMessage(), first);
    }

    /** What it has done so far. On its thread, or after it has ended. */
    public Outcome outcome() {
        return new Outcome(rotated, copied);
    }

    private void tell() {
        if (rotated > 0) {
            LOG.info("volume={} rotated={} copied={}: ranges have new DEKs", volume.logName(), rotated, copied);
            AuditLog.record(
                    AuditEvent.DEKS_ROTATED,
                    AuditField.of("volume", volume.logName()),
                    AuditField.of("uuid", volume.uuid()),
                    AuditField.of("ranges", rotated),
                    volume.mirrorField());
        }
    }

    /** False if it was given up because of a pause, or somebody who wants to change ranges now; it is to be done again. */
    private boolean isRotated(long range, JobControl control) throws StoreException, VolumeRefusedException {
        RangeMove move = begunMove(range);
        if (move == null) {
            return true;
        }
        try (move) {
            SlotCopy copy = new SlotCopy(move, chunk);
            for (int round = 0; round < ROUNDS_MAX && move.chunks().count() > chunksWhileHeld; round++) {
                if (!copiedRound(move, copy, () -> waited(control))) {
                    return false;
                }
            }
            // Before the range is held, so that little is left to be made durable while guests wait.
            move.store().flush();
            for (int round = 0; round < HASTY_ROUNDS_MAX && move.chunks().count() > chunksWhileHeld; round++) {
                if (!copiedRound(move, copy, () -> !isDisturbed(control))) {
                    return false;
                }
            }
            move.hold();
            copiedRound(move, copy, () -> true);
            move.commit();
        } finally {
            if (move.moved()) {
                rotated++;
                volume.rotationMetrics().rotated();
            }
        }
        LOG.debug("volume={} range={}: has a new DEK", volume.logName(), range);
        return true;
    }

    /** Null if the range has no DEK. */
    private @Nullable RangeMove begunMove(long range) throws StoreException, VolumeRefusedException {
        if (volume.dekCreatedSeconds(range) < 0) {
            return null;
        }
        try {
            return RangeMove.begin(volume, range, patience);
        } catch (VolumeRefusedException e) {
            // Whoever had the turn before may have shredded it, as when a guest discards it just now.
            if (volume.dekCreatedSeconds(range) < 0) {
                return null;
            }
            throw e;
        }
    }

    /** False if it was given up, since {@code goesOn} said so before a chunk. */
    private boolean copiedRound(RangeMove move, SlotCopy copy, BooleanSupplier goesOn) throws StoreException {
        WrittenChunks chunks = move.chunks();
        for (int i = 0; i < chunks.chunkCount(); i++) {
            if (chunks.take(i)) {
                if (!goesOn.getAsBoolean()) {
                    return false;
                }
                copy.copy(i);
                copied += WrittenChunks.CHUNK_BYTES;
                volume.rotationMetrics().copied(WrittenChunks.CHUNK_BYTES);
            }
        }
        return true;
    }

    private boolean isDisturbed(JobControl control) {
        return control.isDisturbed() || volume.isLockedOrAboutTo() || volume.isTurnWanted();
    }

    /** Waits as long as the rate has it; false if somebody wants something else. */
    private boolean waited(JobControl control) {
        long left = rate.take(WrittenChunks.CHUNK_BYTES);
        boolean disturbed = isDisturbed(control);
        while (left > 0 && !disturbed) {
            long now = Math.min(left, NAP_NANOS);
            sleepNanos.accept(now);
            left -= now;
            disturbed = isDisturbed(control);
        }
        return !disturbed;
    }
}
