package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.tending.Keeper;
import io.blockseal.app.transfer.TransferEnds;
import io.blockseal.app.verb.ExportVerb;
import io.blockseal.app.verb.TransferArguments;
import io.blockseal.app.verb.TransferText;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import io.blockseal.store.StoreInUseException;
import io.blockseal.transfer.CheckpointFile;
import io.blockseal.transfer.Side;
import io.blockseal.transfer.Transfer;
import io.blockseal.transfer.TransferOptions;
import io.blockseal.volume.Volume;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code blockseal export}: copies a volume's contents, deciphered, to somewhere else. */
@Command(
        name = "export",
        header = "Copy a volume, deciphered, to a file, a device or an NBD export.",
        description = {
            "",
            "The copy is NOT encrypted. A file is sparse and is made for its owner alone (mode 0600). Afterwards"
                    + " everything is read back and compared by SHA-256, but for standard output (a TARGET of -), which"
                    + " may lead into a pipe: ... | zstd > db.img.zst.",
            "",
            "A copy that was interrupted goes on with --resume, if the volume was not written to since.",
            "",
            "A volume that is served is exported by its daemon, as a job and with the rights of its own user, whose the"
                    + " target then is. So that the copy is of one moment, no client that may write has the volume open,"
                    + " and none is let in until it is done; --live does without that. See `blockseal job --help`.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal export db.bsl db.img --key-file db.key",
            "  blockseal export db.bsl db.qcow2 --target-format qcow2 --key-file db.key",
            "  blockseal export db.bsl nbd://other/db --key-file db.key",
            "  blockseal export db /backup/db.img --live --control /run/blockseal/control.sock",
            ""
        })
public final class ExportCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Parameters(index = "0", paramLabel = "VOLUME", description = "A volume, or the address of an export.")
    private String volume = "";

    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description = "A file, a block device, an address (nbd://HOST/EXPORT), or - for standard output.")
    private String target = "";

    @Option(
            names = "--target-format",
            paramLabel = "FORMAT",
            defaultValue = TransferEnds.RAW,
            description = "raw, or what qemu-img makes, such as qcow2 (default: ${DEFAULT-VALUE}).")
    private String targetFormat = TransferEnds.RAW;

    @Option(
            names = "--live",
            description = "Although clients have the served volume open: what they write meanwhile is in the copy or is"
                    + " not, in any order, so it is NOT a snapshot. At its end it says whether anybody wrote.")
    private boolean live;

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(
            names = "--detach",
            description = "If a daemon serves the volume: print the number of its job and leave it to that.")
    private boolean detach;

    @Mixin
    private final TransferChoices choices = new TransferChoices();

    @Mixin
    private final VolumeOpening opening = new VolumeOpening();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Override
    public Integer call() throws Exception {
        choices.options();
        boolean stream = TransferEnds.isStandardOutput(target);
        if (stream && (choices.resume() || Terminal.isOutput() || !targetFormat.equals(TransferEnds.RAW))) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "standard output takes a raw copy from its beginning, into a file or a pipe and not on a terminal.");
        }
        if (TransferEnds.isAddress(volume) && keys.given()) {
            throw new CommandException(ExitCode.USAGE, volume + ": its server has its key; leave that out here.");
        }
        if (stream || TransferEnds.isAddress(volume)) {
            if (detach || live) {
                throw new CommandException(
                        ExitCode.USAGE,
                        "--detach and --live are for the daemon that serves the volume; name that volume, and no"
                                + " standard output.");
            }
            JobOutcome outcome = stream ? toStream() : here();
            PrintWriter out = stream ? err() : out();
            out.print(choices.json() ? outcome.json() : outcome.text());
            out.flush();
            return outcome.exitCode();
        }
        return new VerbRun(this, engine, Path.of(volume))
                .control(control)
                .detach(detach)
                .json(choices.json())
                .keys(keys)
                .here(this::here)
                .run(
                        new ExportVerb(),
                        choices.arguments(TransferArguments.TARGET, target, targetFormat)
                                .flag(ExportVerb.LIVE, live));
    }

    private JobOutcome toStream() throws Exception {
        try {
            return here();
        } catch (StoreInUseException inUse) {
            throw new CommandException(
                    ExitCode.IN_USE,
                    inUse.getMessage()
                            + "\n  If a daemon serves it, read it as a client does:"
                            + " blockseal export nbd+unix:///EXPORT?socket=SOCKET -",
                    inUse);
        }
    }

    /** By this process. */
    private JobOutcome here() throws Exception {
        TransferOptions options = choices.options();
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper();
                TransferEnds ends = TransferEnds.open(foundation);
                ForegroundJob job = ForegroundJob.begin(err(), Terminal.isError(), "Exporting " + volume)) {
            Side from = source(foundation, places, keeper, ends);
            Side to = ends.target(target, targetFormat, from.sizeBytes(), choices.force(), choices.resume());
            CheckpointFile file = TransferEnds.isStandardOutput(target)
                    ? CheckpointFile.none()
                    : CheckpointFile.of(opening.stateDirectory(), TransferEnds.identity(target));
            return TransferText.outcome(volume, target, Transfer.run(ends.loop(), from, to, file, options, job));
        }
    }

    private Side source(Foundation foundation, KeyPlaces places, Keeper keeper, TransferEnds ends) throws Exception {
        if (TransferEnds.isAddress(volume)) {
            return ends.source(volume, TransferEnds.RAW, null);
        }
        KeySource key = places.open(keys.one(), "Passphrase of " + volume);
        Volume open = opening.open(foundation, Path.of(volume), key, keys, true, keeper);
        Side side = ends.volume(volume, open);
        AuditLog.record(
                AuditEvent.DATA_EXPORT,
                AuditField.of("volume", volume),
                AuditField.of("uuid", open.uuid()),
                AuditField.of("target", target));
        return side;
    }
}
