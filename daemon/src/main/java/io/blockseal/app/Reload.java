package io.blockseal.app;

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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads the configuration again and does what has changed in it: volumes come, go, or are opened anew, and those that the
 * file has as before do not notice. A file with a mistake changes nothing. Several orders are done one after the other, on
 * the callers' threads.
 */
final class Reload {
    private static final Logger LOG = LoggerFactory.getLogger(Reload.class);

    private final ConfigSource source;
    private final VolumeRoster roster;
    private final ReloadFigures figures;
    private final DaemonConfig started;
    private LogLevel logLevel;
    private Map<String, AccessPolicy> access;

    /** Of a daemon that was started with {@code started}. */
    Reload(DaemonConfig started, ConfigSource source, VolumeRoster roster, ReloadFigures figures)
            throws ConfigException {
        this.started = started;
        this.logLevel = started.logLevel();
        this.access = Map.copyOf(ServedAccess.lists(started));
        this.source = source;
        this.roster = roster;
        this.figures = figures;
    }

    /**
     * Does it. {@code by} is who wanted it, for auditors.
     *
     * @return what has changed and what has not, with the exit code for whoever asked: 0 if all of the file is in force
     */
    synchronized JobOutcome run(AuditField... by) {
        ReloadReport report = new ReloadReport();
        try {
            DaemonConfig wanted = source.read();
            requireFitting(wanted);
            Map<String, AccessPolicy> accessWanted = Map.copyOf(ServedAccess.lists(wanted));
            LOG.info("the configuration is loaded again");
            settings(wanted, report);
            volumes(wanted, accessWanted, report);
            access = accessWanted;
        } catch (CommandException | ConfigException wrong) {
            report.refuse(Failures.message(wrong), Failures.exitCode(wrong));
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
            report.refuse("the daemon stops", ExitCode.FAILURE);
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
        Map<String, VolumeConfig> before = new HashMap<>();
        for (ServedVolume served : roster.volumes()) {
            VolumeConfig next = coming.get(served.name());
            if (served.config().equals(next) && served.gate().state() != OrderGate.State.REMOVED) {
                coming.remove(served.name());
                report.unchanged(served.name());
            } else if (next != null && isOtherAccessOnly(served, next)) {
                coming.remove(served.name());
                changeAccess(served, next, policy(accessWanted, next), report);
            } else if (!leaves(served, next, report)) {
                coming.remove(served.name());
            } else if (next != null) {
                before.put(served.name(), served.config());
            }
        }
        try (ServedOpenings.Batch batch = roster.begin(coming.size())) {
            for (VolumeConfig each : coming.values()) {
                comes(each, accessWanted, before.get(each.exportName()), batch, report);
            }
        }
    }

    private static boolean isOtherAccessOnly(ServedVolume served, VolumeConfig next) {
        return served.config().withAccess(next.access()).equals(next)
                && served.gate().state() != OrderGate.State.REMOVED;
    }

    /** The volume stays as it is, and with it all clients who may still do what they came for. */
    private void changeAccess(ServedVolume served, VolumeConfig next, AccessPolicy policy, ReloadReport report) {
        try {
            roster.changeAccess(served, next.access(), policy);
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
            @Nullable VolumeConfig before,
            ServedOpenings.Batch batch,
            ReloadReport report) {
        try {
            boolean open = roster.takeIn(config, policy(accessWanted, config), batch);
            report.came(config.exportName(), open, before != null);
        } catch (Exception failed) {
            LOG.debug("volume={}", config.exportName(), failed);
            String why = Failures.message(failed);
            boolean back = before != null && comesBack(before, batch);
            report.failed(
                    config.exportName(), why + (back ? "\n  It is served as before." : ""), Failures.exitCode(failed));
        }
    }

    private static AccessPolicy policy(Map<String, AccessPolicy> access, VolumeConfig config) {
        return access.getOrDefault(config.exportName(), AccessPolicy.EVERYBODY);
    }

    /** Whether one that cannot be served as the file says now is served as the file said before. */
    private boolean comesBack(VolumeConfig before, ServedOpenings.Batch batch) {
        try {
            roster.takeIn(before, policy(access, before), batch);
            return true;
        } catch (Exception failed) {
            LOG.error(
                    "volume={}: cannot be served as before either: {}", before.exportName(), Failures.message(failed));
            return false;
        }
    }
}
