package io.blockseal.app.tending;

import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeKeyRotation;
import io.blockseal.volume.VolumeRefusedException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Goes on with a rotation of the volume key that was interrupted, while the volume is served: on a thread of its own, which
 * ends with the rotation, or at a group's border when it is told to. What could not be done is done at the next start.
 */
public final class RotationResumption implements JobControl, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RotationResumption.class);

    private final String name;
    private final Volume volume;
    private final Thread thread;
    private volatile boolean ending;

    private RotationResumption(String name, Volume volume) {
        this.name = name;
        this.volume = volume;
        this.thread = new Thread(this::run, "rotation-" + name);
        thread.setDaemon(true);
    }

    /** Begins if there is something to go on with; else there is nothing to close either, and closing does no harm. */
    public static RotationResumption of(String name, Volume volume) {
        RotationResumption resumption = new RotationResumption(name, volume);
        if (!volume.shape().readOnly() && volume.volumeKeyRotation().standing().underWay()) {
            resumption.thread.start();
        }
        return resumption;
    }

    private void run() {
        VolumeKeyRotation rotation = volume.volumeKeyRotation();
        LOG.info(
                "volume={} page={} pages={}: its volume key was being rotated; that goes on",
                name,
                rotation.standing().donePages(),
                rotation.standing().pages());
        try {
            rotation.goOn(this);
        } catch (JobCanceledException e) {
            LOG.info("volume={}: {}", name, e.getMessage());
        } catch (StoreException | VolumeRefusedException e) {
            LOG.warn(
                    "volume={}: the rotation of its volume key does not go on: {} It is tried again at the next start; the"
                            + " volume is usable.",
                    name,
                    e.getMessage());
        }
    }

    @Override
    public void checkpoint() throws JobCanceledException {
        if (ending) {
            throw new JobCanceledException("the rotation of its volume key goes on at the next start");
        }
    }

    @Override
    public boolean isDisturbed() {
        return ending;
    }

    @Override
    public void phase(String words) {
        // The log has the beginning and the end.
    }

    @Override
    public void progress(long done, long total) {
        // Likewise.
    }

    /** Ends it in order, and waits until it has. */
    @Override
    public void close() {
        ending = true;
        await();
    }

    /** Waits until it has ended by itself. */
    public void await() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
