package io.blockseal.app.tending;

import io.blockseal.app.console.Failures;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.config.KeyPolicy;
import io.blockseal.control.Arguments;
import io.blockseal.job.Job;
import io.blockseal.job.JobRefusedException;
import io.blockseal.job.JobRequest;
import io.blockseal.job.JobState;
import io.blockseal.job.Jobs;
import io.blockseal.volume.Volume;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the DEKs of a served volume within a {@link KeyPolicy}: when some are too old, or have enciphered too much, it has
 * a job begun that rotates them. Says what stands in the way once, until it works again. On keeper threads, one look at a
 * time.
 */
public final class KeyPolicyWatch {
    /** Has a rotation begun, as a job. */
    public interface Rotations {
        /** {@code by} is what the job says of who wants it. */
        Job begin(Arguments arguments, String by) throws JobRefusedException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(KeyPolicyWatch.class);

    private final String name;
    private final Volume volume;
    private final KeyPolicy policy;
    private final OverdueKeys overdue;
    private final Jobs jobs;
    private final Rotations rotations;
    /** The last job that was found cancelled. */
    private long canceledJob;

    private boolean complained;
    private volatile long overdueRanges;

    public KeyPolicyWatch(String name, Volume volume, KeyPolicy policy, Jobs jobs, Rotations rotations) {
        this.name = name;
        this.volume = volume;
        this.policy = policy;
        this.overdue = new OverdueKeys(volume, policy);
        this.jobs = jobs;
        this.rotations = rotations;
    }

    /** How many ranges had a DEK beyond the policy at the last look. From any thread. */
    public long overdueRanges() {
        return overdueRanges;
    }

    /** Looks once. A volume that is locked, or that another rotation is under way on, is left for the next look. */
    public void look() {
        if (volume.state() != Volume.State.OPEN || volume.isLockedOrAboutTo()) {
            return;
        }
        int count = overdue.count();
        overdueRanges = count;
        if (count == 0) {
            isWellAgain();
        } else if (!wasCanceled() && !volume.volumeKeyRotation().standing().underWay()) {
            begin(count);
        }
    }

    /** True once for a job that was cancelled: whoever did so has until the next look. */
    private boolean wasCanceled() {
        Job last = null;
        for (Job job : jobs.list()) {
            last = job.volume().equals(name) && !job.by().equals(JobRequest.OPERATOR) ? job : last;
        }
        if (last == null || last.state() != JobState.CANCELED || last.id() == canceledJob) {
            return false;
        }
        canceledJob = last.id();
        return true;
    }

    private void begin(int count) {
        String obstacle = obstacle();
        if (obstacle != null) {
            complain(count, obstacle);
            return;
        }
        String reason = overdue.reason();
        try {
            Job job = rotations.begin(overdue.order(), "policy " + reason);
            isWellAgain();
            LOG.info("volume={} job={} ranges={} policy={}: keys are beyond it", name, job.id(), count, reason);
            AuditLog.record(
                    AuditEvent.DEK_ROTATION_BY_POLICY,
                    AuditField.of("volume", volume.logName()),
                    AuditField.of("uuid", volume.uuid()),
                    AuditField.of("job", job.id()),
                    AuditField.of("ranges", count),
                    AuditField.of("policy", reason));
        } catch (JobRefusedException refused) {
            if (refused.reason() == JobRefusedException.Reason.CONFLICT) {
                LOG.debug("volume={}: {}", name, refused.getMessage());
            } else {
                complain(count, Failures.message(refused));
            }
        }
    }

    private @Nullable String obstacle() {
        if (policy.limitsAge() && volume.nowSeconds() < volume.createdSeconds()) {
            // To a clock that begins at 1970 all DEKs are from the future, and those made by it would be old soon
            // after.
            return "the clock says " + Instant.ofEpochSecond(volume.nowSeconds()) + ", but the volume was made at "
                    + Instant.ofEpochSecond(volume.createdSeconds()) + "; set the clock";
        }
        return volume.freeSlots() == 0
                ? "no slot is free to copy a range to; shred a range or resize the volume"
                : null;
    }

    private void complain(int count, String what) {
        if (!complained) {
            complained = true;
            LOG.warn(
                    "volume={} ranges={}: keys are beyond the policy and cannot be replaced; that is tried again: {}",
                    name,
                    count,
                    what);
        }
    }

    private void isWellAgain() {
        if (complained) {
            complained = false;
            LOG.info("volume={}: keys are replaced again as the policy has it", name);
        }
    }
}
