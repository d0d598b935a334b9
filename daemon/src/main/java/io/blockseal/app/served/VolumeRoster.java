package io.blockseal.app.served;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.config.AccessRule;
import io.blockseal.config.VolumeConfig;
import io.blockseal.export.AccessPolicy;
import io.blockseal.export.ExportRegistry;
import io.blockseal.job.Jobs;
import io.blockseal.keysource.KeySourceException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes volumes into service and out of it while others are served. Not for a loop's thread, and for one thread at a time.
 */
public final class VolumeRoster {
    /** Sends the clients of an export away. */
    public interface Clients {
        /**
         * Does so.
         *
         * @param forReturn whether they find it again soon, so that nobody who uses its disk needs to notice
         * @return whether none of them uses its device any more
         */
        boolean dismiss(String export, boolean forReturn);
    }

    private static final Logger LOG = LoggerFactory.getLogger(VolumeRoster.class);
    /** What clients hear of one whose key cannot be had yet. */
    public static final String WAITS_FOR_ITS_KEY = "its volume waits for its key; try again later";

    /** What they hear of one that has it and is not opened all the same. */
    public static final String DOES_NOT_FIT = "its volume does not fit the configuration of the server";

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final List<ServedVolume> volumes;
    private final ExportRegistry exports;
    private final Clients clients;
    private final UnentitledClients unentitled;
    private final Jobs jobs;
    private final KeyPolicies policies;
    private final LateOpenings late;
    private final ServedOpenings openings;
    private final LateOpenings.Opening tending;
    private final Function<VolumeConfig, ServedVolume> maker;
    private final Duration storagePatience;
    /** Withdrawn, and not let go yet. */
    private final Set<ServedVolume> halfOut = new HashSet<>();

    private volatile boolean stopping;

    /**
     * Of {@code volumes}, which others read meanwhile.
     *
     * @param clients who sends the clients of an export away
     * @param unentitled who sends away those of them who may no longer do what they came for
     * @param tending what is begun for a volume once it is open
     * @param maker makes one that is not open yet
     * @param storagePatience how long the storage of one that goes may take to make durable what was written
     */
    public VolumeRoster(
            List<ServedVolume> volumes,
            ExportRegistry exports,
            Clients clients,
            UnentitledClients unentitled,
            Jobs jobs,
            KeyPolicies policies,
            LateOpenings late,
            ServedOpenings openings,
            LateOpenings.Opening tending,
            Function<VolumeConfig, ServedVolume> maker,
            Duration storagePatience) {
        this.volumes = volumes;
        this.exports = exports;
        this.clients = clients;
        this.unentitled = unentitled;
        this.jobs = jobs;
        this.policies = policies;
        this.late = late;
        this.openings = openings;
        this.tending = tending;
        this.maker = maker;
        this.storagePatience = storagePatience;
    }

    /** Those that are served, or wait for their keys. */
    public List<ServedVolume> volumes() {
        return List.copyOf(volumes);
    }

    /** The batch for those that come; close it afterwards. */
    public ServedOpenings.Batch begin(int comingCount) {
        return openings.begin(volumes.size() + comingCount);
    }

    /**
     * Opens one and offers it to those that {@code access} lets in; one whose key cannot be had just now is tried again
     * later.
     *
     * @return whether it is open
     * @throws Exception if it cannot be opened, and waiting does not help; it is not served then
     */
    public boolean takeIn(VolumeConfig config, AccessPolicy access, ServedOpenings.Batch batch) throws Exception {
        ServedVolume served = maker.apply(config);
        exports.restrict(served.name(), access);
        volumes.add(served);
        if (stopping) {
            served.endAsking();
        }
        try {
            batch.open(served);
        } catch (KeySourceException trouble) {
            if (config.isKeyOutside() && LateOpenings.mayHelp(trouble)) {
                exports.withdraw(served.name(), WAITS_FOR_ITS_KEY);
                late.await(served, Failures.message(trouble));
                return false;
            }
            drop(served);
            throw trouble;
        } catch (Exception failed) {
            drop(served);
            throw failed;
        }
        try {
            tending.open(served);
        } catch (Exception defect) {
            // Its guests are there already.
            LOG.error("volume={}: is served, but what was begun on it before does not go on", served.name(), defect);
        }
        return true;
    }

    /** Nothing that is taken in from now on waits for a key. From any thread. */
    public void stop() {
        stopping = true;
        volumes.forEach(ServedVolume::endAsking);
    }

    /**
     * Puts another access list in force. Clients who may do with the export what they have come for go on, and those who
     * may not any more are sent away.
     *
     * @throws CommandException if they do not go
     */
    public void changeAccess(ServedVolume served, List<AccessRule> access, AccessPolicy policy)
            throws CommandException, InterruptedException {
        LOG.info("volume={}: its access list is another", served.name());
        exports.restrict(served.name(), policy);
        served.accessChanged(access);
        enforceAccess(served);
    }

    /** Whether clients may be there still whom its access list keeps out. */
    public boolean owesDismissals(ServedVolume served) {
        return unentitled.areOwed(served.name());
    }

    /**
     * Sends those away.
     *
     * @throws CommandException if they do not go; that is tried again until they do
     */
    public void enforceAccess(ServedVolume served) throws CommandException, InterruptedException {
        if (!unentitled.sendAway(served.name())) {
            throw new CommandException(
                    ExitCode.STORAGE,
                    served.name() + ": its access list is in force, but clients that it keeps out are not gone yet, as"
                            + " the storage, or a loop of the daemon, does not answer; they are sent away as soon as it"
                            + " does");
        }
    }

    private void drop(ServedVolume served) {
        served.endWaiting();
        if (served.opened() != null) {
            VolumesClosing.closeAll(List.of(served), storagePatience);
        }
        forget(served);
    }

    /**
     * Sends the clients of one away, ends what is done to it, makes durable what was written, and lets it go. Jobs on it end
     * at their next checkpoint; those that can go on do so when it is served again.
     *
     * @param why what clients hear who ask for it meanwhile
     * @param forReturn whether it comes back at once
     * @throws CommandException if its storage does not answer; it is not offered any more, but not let go either
     */
    public void takeOut(ServedVolume served, String why, boolean forReturn)
            throws CommandException, InterruptedException {
        LOG.info("volume={}: is taken out of service", served.name());
        if (served.gate().state() == OrderGate.State.ERASED) {
            policies.end(served);
            forget(served);
            return;
        }
        halfOut.add(served);
        if (served.gate().state() == OrderGate.State.REMOVED) {
            letGo(served);
            return;
        }
        // What it would do is done by this, in this one's way.
        unentitled.leaveToOthers(served.name());
        // Before orders are refused: a job that is refused by that has failed, and is not taken up again.
        jobs.forbid(served.name());
        OrderGate.State before = served.gate().close("is taken out of service");
        OrderGate.State after = before;
        try {
            exports.withdraw(served.name(), why);
            if (forReturn) {
                // Who waits for a range goes on when the job that holds it ends, and notices nothing.
                served.endAsking();
            } else {
                served.endWaiting();
            }
            boolean given = late.giveUp(served, PATIENCE);
            // Not before: a try that was under way begins to look, too.
            policies.end(served);
            boolean idle = given
                    && jobs.suspend(served.name(), "the volume is taken out of service")
                    && served.gate().becomesEmpty(PATIENCE);
            // A try that was under way may have opened it after all.
            exports.withdraw(served.name(), why);
            if (!idle || !dismiss(served, forReturn)) {
                throw stuck(served);
            }
            after = OrderGate.State.REMOVED;
        } finally {
            served.gate().become(after);
            jobs.allow(served.name());
        }
        letGo(served);
    }

    private boolean dismiss(ServedVolume served, boolean forReturn) {
        boolean gone = clients.dismiss(served.name(), forReturn);
        if (!gone && forReturn) {
            // Their connections are closed by now: nobody hears what becomes of requests that wait still.
            served.endWaiting();
            gone = clients.dismiss(served.name(), true);
        }
        return gone;
    }

    private void letGo(ServedVolume served) throws CommandException {
        VolumesClosing.Outcome outcome = VolumesClosing.closeAll(List.of(served), storagePatience);
        if (outcome == VolumesClosing.Outcome.STUCK) {
            throw stuck(served);
        }
        forget(served);
        if (outcome == VolumesClosing.Outcome.LOST) {
            throw new CommandException(
                    ExitCode.STORAGE,
                    served.name()
                            + ": is out of service, but not everything that was written is known to be durable; the"
                            + " log says why");
        }
    }

    /** Whether it is in service as its configuration says, or waits for its key. */
    public boolean isWhole(ServedVolume served) {
        OrderGate.State state = served.gate().state();
        return !halfOut.contains(served) && state != OrderGate.State.REMOVED && state != OrderGate.State.ERASED;
    }

    private void forget(ServedVolume served) {
        volumes.remove(served);
        halfOut.remove(served);
        exports.forget(served.name());
        served.letGoKeys();
    }

    private static CommandException stuck(ServedVolume served) {
        return new CommandException(
                ExitCode.STORAGE,
                served.name()
                        + ": is not offered any more, but cannot be let go: its storage, or something that is being"
                        + " done to it, does not come to an end within "
                        + TimeUnit.NANOSECONDS.toSeconds(PATIENCE.toNanos()) + " s");
    }
}
