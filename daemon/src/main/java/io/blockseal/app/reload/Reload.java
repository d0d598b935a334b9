package io.blockseal.app.reload;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.app.served.ServedAccess;
import io.blockseal.app.served.ServedOpenings;
import io.blockseal.app.served.ServedVolume;
import io.blockseal.app.served.VolumeRoster;
import io.blockseal.app.setup.LogSetup;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.config.ConfigException;
import io.blockseal.config.ConfigRules;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.LogLevel;
import io.blockseal.config.VolumeConfig;
import io.blockseal.export.AccessPolicy;
import io.blockseal.job.JobOutcome;
import io.blockseal.metrics.ReloadFigures;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads the configuration again and does what has changed in it: volumes come, go, or are opened anew, and those that the
 * file has as before do not notice. A file with a mistake changes nothing. Several orders are done one after the other, on
 * the callers' threads.
 */
public final class Reload {
    private static final Logger LOG = LoggerFactory.getLogger(Reload.class);

    private final ConfigSource source;
    private final VolumeRoster roster;
    private final ReloadFigures figures;
    private final DaemonConfig started;
    private LogLevel logLevel;
    /** The list that is in force for each export, whatever the file says. */
    private final Map<String, AccessPolicy> access;

    private final ReentrantLock oneAtATime = new ReentrantLock(true);
    private volatile boolean stopping;

    /** Of a daemon that was started with {@code started}. */
    public Reload(DaemonConfig started, ConfigSource source, VolumeRoster roster, ReloadFigures figures)
            throws ConfigException {
        this.started = started;
        this.logLevel = started.logLevel();
        this.access = new HashMap<>(ServedAccess.lists(started));
        this.source = source;
        this.roster = roster;
        this.figures = figures;
    }

    /**
     * Does it. {@code by} is who wanted it, for auditors.
     *
     * @return what has changed and what has not, with the exit code for whoever asked: 0 if all of the file is in force
     */
    public JobOutcome run(AuditField... by) {
        oneAtATime.lock();
        try {
            return load(by);
        } finally {
            oneAtATime.unlock();
        }
    }

    private JobOutcome load(AuditField... by) {
        ReloadReport report = new ReloadReport();
        try {
            DaemonConfig wanted = source.read();
            requireFitting(wanted);
            Map<String, AccessPolicy> accessWanted = Map.copyOf(ServedAccess.lists(wanted));
            LOG.info("the configuration is loaded again");
            settings(wanted, report);
            volumes(wanted, accessWanted, report);
        } catch (CommandException | ConfigException wrong) {
            report.refuse(Failures.message(wrong), Failures.exitCode(wrong));
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            report.stopped();
        } catch (RuntimeException defect) {
            LOG.error("the configuration could not be loaded as a whole, by a defect of ours", defect);
            report.broken();
        }
        report.log();
        figures.count(report.result());
        JobOutcome outcome = report.outcome();
        AuditField[] fields = new AuditField[by.length + 2];
        System.arraycopy(by, 0, fields, 0, by.length);
        fields[by.length] = AuditField.of("result", report.result().word());
        fields[by.length + 1] = AuditField.of("exit-code", outcome.exitCode());
        AuditLog.record(AuditEvent.CONFIG_RELOADED, fields);
        return outcome;
    }

    /** Ends one that is under way after the volume that it is at, and begins none any more. From any thread. */
    public void stop() {
        stopping = true;
        roster.stop();
    }

    /**
     * Likewise. A volume that is being opened then may wait for what cannot be ended.
     *
     * @return whether none is under way any more
     */
    public boolean haveEnded(Duration patience) {
        stop();
        try {
            boolean ended = oneAtATime.tryLock(patience.toNanos(), TimeUnit.NANOSECONDS);
            if (ended) {
                oneAtATime.unlock();
            }
            return ended;
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private boolean goesOn(ReloadReport report) {
        if (stopping) {
            report.stopped();
        }
        return !stopping;
    }

    /** Volumes come at once, listeners with the next start: what is asked for may be right then, and a hole now. */
    private void requireFitting(DaemonConfig wanted) throws CommandException {
        List<ConfigRules.Violation> violations = ConfigRules.violations(started.withVolumes(wanted.volumes()));
        if (!violations.isEmpty()) {
            throw new CommandException(
                    ExitCode.CONFIG,
                    "with the listeners that the daemon was started with: "
                            + violations.get(0).what() + "\n  Restart it, or: "
                            + violations.get(0).fix());
        }
    }

    private void settings(DaemonConfig wanted, ReloadReport report) {
        ConfigDifference.ofSettings(started, wanted).forEach(report::needsRestart);
        if (wanted.logLevel() != logLevel) {
            logLevel = wanted.logLevel();
            LogSetup.level(logLevel);
            report.changed("log-level");
        }
    }

    /** Those that go make room before those that come: a file may change its export's name. */
    private void volumes(DaemonConfig wanted, Map<String, AccessPolicy> accessWanted, ReloadReport report)
            throws InterruptedException {
        Map<String, VolumeConfig> coming = new LinkedHashMap<>();
        wanted.volumes().forEach(each -> coming.put(each.exportName(), each));
        Set<String> left = leaveThoseWithoutADoor(coming, report);
        Map<String, Before> before = new HashMap<>();
        for (ServedVolume served : roster.volumes()) {
            if (!goesOn(report)) {
                return;
            }
            if (left.contains(served.name())) {
                continue;
            }
            VolumeConfig next = coming.get(served.name());
            if (served.config().equals(next) && roster.isWhole(served)) {
                coming.remove(served.name());
                enforceAccess(served, report);
            } else if (next != null && isOtherAccessOnly(served, next)) {
                coming.remove(served.name());
                changeAccess(served, next, policy(accessWanted, next), report);
            } else if (!leaves(served, next, report)) {
                coming.remove(served.name());
            } else if (next != null) {
                before.put(served.name(), new Before(served.config(), policy(access, served.config())));
            }
        }
        try (ServedOpenings.Batch batch = roster.begin(coming.size())) {
            for (VolumeConfig each : coming.values()) {
                // One that was taken out meanwhile is served again by whoever serves next.
                if (!goesOn(report)) {
                    return;
                }
                comes(each, accessWanted, before.get(each.exportName()), batch, report);
            }
        }
    }

    /**
     * Takes out those whose access list asks for what nobody can show to the listeners that there are: with it in force
     * the export would be gone for everybody. Each stays as it is, and what the file says of it comes with a restart.
     */
    private Set<String> leaveThoseWithoutADoor(Map<String, VolumeConfig> coming, ReloadReport report) {
        Set<String> left = new HashSet<>();
        for (VolumeConfig each : List.copyOf(coming.values())) {
            String trouble = ServedAccess.trouble(started, each);
            if (trouble != null) {
                left.add(each.exportName());
                coming.remove(each.exportName());
                report.failed(
                        each.exportName(),
                        "with the listeners and the TLS that the daemon was started with: " + trouble
                                + "\n  Restart it; until then nothing changes for this export, and whom the file lets in no more"
                                + " still comes in.",
                        ExitCode.CONFIG);
            }
        }
        return left;
    }

    /** How one was served that has been taken out. */
    private record Before(VolumeConfig config, AccessPolicy policy) {}

    private boolean isOtherAccessOnly(ServedVolume served, VolumeConfig next) {
        return served.config().withAccess(next.access()).equals(next) && roster.isWhole(served);
    }

    /** The volume stays as it is, and with it all clients who may still do what they came for. */
    private void changeAccess(ServedVolume served, VolumeConfig next, AccessPolicy policy, ReloadReport report)
            throws InterruptedException {
        try {
            access.put(served.name(), policy);
            roster.changeAccess(served, next.access(), policy);
            report.accessChanged(served.name());
        } catch (CommandException failed) {
            report.failed(served.name(), Failures.message(failed), Failures.exitCode(failed));
        }
    }

    /** The list is the same, but those whom it keeps out may not have gone when it came into force. */
    private void enforceAccess(ServedVolume served, ReloadReport report) throws InterruptedException {
        if (!roster.owesDismissals(served)) {
            report.unchanged(served.name());
            return;
        }
        try {
            roster.enforceAccess(served);
            report.accessChanged(served.name());
        } catch (CommandException failed) {
            report.failed(served.name(), Failures.message(failed), Failures.exitCode(failed));
        }
    }

    /** Whether it has gone. */
    private boolean leaves(ServedVolume served, @Nullable VolumeConfig next, ReloadReport report)
            throws InterruptedException {
        try {
            roster.takeOut(
                    served,
                    next == null ? "this export is not served any more" : "its volume is being opened anew",
                    next != null);
            if (next == null) {
                report.removed(served.name());
            }
            return true;
        } catch (CommandException failed) {
            report.failed(served.name(), Failures.message(failed), Failures.exitCode(failed));
            return !roster.volumes().contains(served);
        }
    }

    private void comes(
            VolumeConfig config,
            Map<String, AccessPolicy> accessWanted,
            @Nullable Before before,
            ServedOpenings.Batch batch,
            ReloadReport report) {
        try {
            AccessPolicy policy = policy(accessWanted, config);
            boolean open = roster.takeIn(config, policy, batch);
            access.put(config.exportName(), policy);
            report.came(config.exportName(), open, before != null);
        } catch (Exception failed) {
            LOG.debug("volume={}", config.exportName(), failed);
            String why = Failures.message(failed);
            boolean back = before != null && !stopping && comesBack(before, batch);
            report.failed(
                    config.exportName(), why + (back ? "\n  It is served as before." : ""), Failures.exitCode(failed));
        }
    }

    private static AccessPolicy policy(Map<String, AccessPolicy> access, VolumeConfig config) {
        return access.getOrDefault(config.exportName(), AccessPolicy.EVERYBODY);
    }

    /** Whether one that cannot be served as the file says now is served as the file said before. */
    private boolean comesBack(Before before, ServedOpenings.Batch batch) {
        try {
            roster.takeIn(before.config(), before.policy(), batch);
            return true;
        } catch (Exception failed) {
            LOG.error(
                    "volume={}: cannot be served as before either: {}",
                    before.config().exportName(),
                    Failures.message(failed));
            return false;
        }
    }
}
