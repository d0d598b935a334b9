package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.transfer.TransferEnds;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.export.ExportClients;
import io.blockseal.job.JobOutcome;
import io.blockseal.transfer.Side;
import io.blockseal.transfer.Transfer;
import io.blockseal.transfer.TransferOptions;
import io.blockseal.transfer.TransferReport;
import io.blockseal.volume.Volume;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * {@code import} into a volume that is served: as a job, while no client has it open and none is let in. Into a volume that
 * nobody serves the command imports itself, since it may have to make it first.
 */
public final class ImportVerb implements VolumeVerb {
    /** The group with the passphrase of an encrypted image, as {@code secret}. */
    public static final String PASSPHRASE = "sourcePassphrase";

    @Override
    public String name() {
        return "import";
    }

    @Override
    public Needs needs() {
        return Needs.WRITE;
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
        return Set.of(TransferArguments.DATA_CLAIM, RotateDekVerb.RANGES_CLAIM);
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        byte[] passphrase = passphrase(call.arguments());
        try {
            return run(call, passphrase);
        } finally {
            if (passphrase != null) {
                Arrays.fill(passphrase, (byte) 0);
            }
        }
    }

    private static byte @Nullable [] passphrase(Arguments arguments) throws ArgumentException {
        Arguments group = arguments.group(PASSPHRASE);
        return group == null ? null : group.takeSecret();
    }

    private static JobOutcome run(VerbCall call, byte @Nullable [] passphrase) throws Exception {
        Arguments arguments = call.arguments();
        String source = TransferArguments.end(arguments, TransferArguments.SOURCE);
        String format = TransferArguments.format(arguments);
        String called = TransferArguments.called(arguments, source);
        TransferOptions options = TransferArguments.options(arguments);
        call.requireAllKnown();
        Serving serving = call.requireServing();
        Volume volume = call.volume();
        TransferArguments.requireUnlocked(call.called(), volume);
        call.requireNamedKeyOpens();
        if (serving.export().readOnly()) {
            throw new CommandException(
                    ExitCode.USAGE, call.called() + ": is served for reading only; nothing can be imported into it.");
        }
        ExportClients.Closed alone = alone(call, serving);
        try (TransferEnds ends = serving.transfers().take()) {
            Side from = ends.source(source, format, passphrase == null ? null : passphrase::clone);
            Side to = ends.servedTarget(call.called(), volume, serving.export());
            AuditLog.record(
                    AuditEvent.DATA_IMPORT,
                    AuditField.of("volume", volume.logName()),
                    AuditField.of("uuid", volume.uuid()),
                    AuditField.of("source", source));
            TransferReport report = Transfer.run(
                    ends.loop(), from, to, serving.transfers().checkpoint(volume.name()), options, call.control());
            return TransferText.outcome(called, call.called(), report);
        } finally {
            alone.close();
        }
    }

    /** A client that has it open would find another disk in the place of the one that it knows. */
    private static ExportClients.Closed alone(VerbCall call, Serving serving) throws CommandException {
        ExportClients clients = serving.export().clients();
        ExportClients.Closed alone = clients.close("something is being imported into it; try again when that is done");
        if (alone == null) {
            throw new CommandException(
                    ExitCode.IN_USE,
                    call.called() + ": " + TransferArguments.clients(clients.count())
                            + " it open, and would have another disk under what they know of this one.\n"
                            + "  Unmount it and disconnect them (nbd-client -d DEVICE, or shut the guest down), then"
                            + " import: nobody is let in meanwhile.");
        }
        return alone;
    }
}
