package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.transfer.TransferEnds;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.control.Arguments;
import io.blockseal.export.ExportClients;
import io.blockseal.export.LossLedger;
import io.blockseal.job.JobOutcome;
import io.blockseal.transfer.Side;
import io.blockseal.transfer.Transfer;
import io.blockseal.transfer.TransferOptions;
import io.blockseal.transfer.TransferReport;
import io.blockseal.volume.Volume;
import java.util.Set;

/**
 * {@code export} of a volume that is served: as a job. Its copy is of one moment, since no client that may write has the
 * volume open and none is let in; or it is of no single moment, if the operator says so, and tells whether anybody wrote.
 */
public final class ExportVerb implements VolumeVerb {
    /** Although clients have it open that may write meanwhile. */
    public static final String LIVE = "live";

    @Override
    public String name() {
        return "export";
    }

    @Override
    public Needs needs() {
        return Needs.READ;
    }

    @Override
    public boolean isLong() {
        return true;
    }

    @Override
    public boolean opensPlaces() {
        return true;
    }

    @Override
    public Set<String> claims() {
        return Set.of(TransferArguments.DATA_CLAIM);
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        Arguments arguments = call.arguments();
        String target = TransferArguments.end(arguments, TransferArguments.TARGET);
        String format = TransferArguments.format(arguments);
        String called = TransferArguments.called(arguments, target);
        TransferOptions options = TransferArguments.options(arguments);
        boolean live = arguments.flag(LIVE);
        call.requireAllKnown();
        if (live && options.resume()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "a live copy cannot be gone on with: what was copied before may have changed since. Start over with"
                            + " --live --force.");
        }
        Serving serving = call.requireServing();
        Volume volume = call.volume();
        TransferArguments.requireUnlocked(call.called(), volume);
        call.requireNamedKeyOpens();
        boolean still = serving.export().readOnly();
        LossLedger changes = serving.export().losses();
        ExportClients.Closed alone = live || still ? () -> {} : alone(call, serving);
        try (TransferEnds ends = serving.transfers().take()) {
            long mark = changes.quietMark();
            Side from = ends.servedSource(call.called(), volume, serving.export(), live && !still);
            Side to = ends.target(target, format, from.sizeBytes(), options.force(), options.resume());
            AuditLog.record(
                    AuditEvent.DATA_EXPORT,
                    AuditField.of("volume", volume.logName()),
                    AuditField.of("uuid", volume.uuid()),
                    AuditField.of("target", target));
            TransferReport report = Transfer.run(
                    ends.loop(), from, to, serving.transfers().checkpoint(target), options, call.control());
            if (!live) {
                return TransferText.outcome(call.called(), called, report);
            }
            boolean changed = mark == LossLedger.BUSY || changes.quietMark() != mark;
            return TransferText.ofLive(call.called(), called, report, changed);
        } finally {
            alone.close();
        }
    }

    private static ExportClients.Closed alone(VerbCall call, Serving serving) throws CommandException {
        ExportClients clients = serving.export().clients();
        ExportClients.Closed alone = clients.close("it is being exported; try again when that is done");
        if (alone == null) {
            throw new CommandException(
                    ExitCode.IN_USE,
                    call.called() + ": " + TransferArguments.clients(clients.count())
                            + " it open and may write meanwhile: the copy would be of no single moment.\n"
                            + "  Disconnect them: nobody is let in while it is copied. Or keep them from writing (pause"
                            + " the guest, or fsfreeze in it) and say --live: at its end it tells whether anything was"
                            + " written meanwhile.");
        }
        return alone;
    }
}
