package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.key.NewKey;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.tending.Keeper;
import io.blockseal.app.transfer.TransferEnds;
import io.blockseal.app.verb.ImportVerb;
import io.blockseal.app.verb.TransferArguments;
import io.blockseal.app.verb.TransferText;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.config.KeyConfig;
import io.blockseal.control.Arguments;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.SecretInput;
import io.blockseal.transfer.CheckpointFile;
import io.blockseal.transfer.Side;
import io.blockseal.transfer.Transfer;
import io.blockseal.transfer.TransferOptions;
import io.blockseal.volume.CreateOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeCreator;
import io.blockseal.volume.VolumeCreator.Created;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code blockseal import}: copies a disk from elsewhere into a volume. */
@Command(
        name = "import",
        header = "Copy a disk image, a device or an NBD export into a volume.",
        description = {
            "",
            "What is copied goes through the volume's encryption; holes and zeros take no space. Afterwards everything"
                    + " is read back and compared by SHA-256. A volume may be larger than what is copied: the rest"
                    + " reads as zeros.",
            "",
            "A copy that was interrupted (Ctrl-C, a power cut, a full disk) goes on with --resume, if the source is"
                    + " still the same. Nobody else may write to the source meanwhile.",
            "",
            "Into a volume that is served, its daemon imports, as a job and with the rights of its own user: it opens the"
                    + " source. No client may have the volume open, and none is let in until the copy is done. See"
                    + " `blockseal job --help`.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal import old.img db.bsl --create --key-file db.key",
            "  blockseal import /dev/vg0/db db.bsl --key-file db.key --resume",
            "  blockseal import luks.img db.bsl --source-format luks --source-passphrase --key-file db.key",
            "  blockseal import old.img db --detach --control /run/blockseal/control.sock",
            "  blockseal import nbd://backup/db 'nbd+unix:///db?socket=db.sock'",
            ""
        })
public final class ImportCommand extends Verb {
    private static final long UNIT_BYTES = 4096;

    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Parameters(
            index = "0",
            paramLabel = "SOURCE",
            description = "A file, a block device, or an address: nbd://HOST/EXPORT, nbd+unix:///EXPORT?socket=PATH.")
    private String source = "";

    @Parameters(index = "1", paramLabel = "VOLUME", description = "A volume, or the address of an export.")
    private String volume = "";

    @Option(
            names = "--source-format",
            paramLabel = "FORMAT",
            defaultValue = TransferEnds.RAW,
            description = "raw, or what qemu-nbd opens: luks, qcow2, vmdk, vdi, vhdx (default: ${DEFAULT-VALUE})."
                    + " It is never guessed.")
    private String sourceFormat = TransferEnds.RAW;

    @Mixin
    private final SourcePassphrase sourcePassphrase = new SourcePassphrase();

    @Option(names = "--create", description = "Make the volume first, as 'blockseal create' does by default.")
    private boolean create;

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "With --create: what clients will see (default: as large as the source).")
    private @Nullable String size;

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
        boolean served = TransferEnds.isAddress(volume);
        if (served && (create || keys.given())) {
            throw new CommandException(
                    ExitCode.USAGE, volume + ": its server has made it and has its key; leave both out here.");
        }
        if (size != null && !create) {
            throw new CommandException(ExitCode.USAGE, "--size is for --create; see 'blockseal resize' otherwise.");
        }
        if (detach && (served || create)) {
            throw new CommandException(
                    ExitCode.USAGE, "--detach leaves the work to the daemon that serves the volume; name that volume.");
        }
        if (served || create) {
            JobOutcome outcome = here();
            PrintWriter out = out();
            out.print(choices.json() ? outcome.json() : outcome.text());
            out.flush();
            return outcome.exitCode();
        }
        SecretInput passphrase = sourcePassphrase.input();
        return new VerbRun(this, engine, Path.of(volume))
                .control(control)
                .detach(detach)
                .json(choices.json())
                .keys(keys)
                .here(this::here)
                .sending(arguments -> {
                    if (passphrase != null) {
                        arguments.group(ImportVerb.PASSPHRASE, new Arguments().secret(passphrase.read()));
                    }
                })
                .run(new ImportVerb(), choices.arguments(TransferArguments.SOURCE, source, sourceFormat));
    }

    /** By this process. */
    private JobOutcome here() throws Exception {
        TransferOptions options = choices.options();
        SecretInput passphrase = sourcePassphrase.input();
        TransferEnds.requireSensible(source, sourceFormat, passphrase != null);
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper();
                TransferEnds ends = TransferEnds.open(foundation);
                ForegroundJob job = ForegroundJob.begin(err(), Terminal.isError(), "Importing " + source)) {
            CheckpointFile file = CheckpointFile.of(opening.stateDirectory(), TransferEnds.identity(volume));
            // Whether a daemon serves it shows before a passphrase is asked for, which cannot be asked for twice.
            Side early = TransferEnds.isAddress(volume) || create ? null : open(foundation, places, keeper, ends);
            Side from = ends.source(source, sourceFormat, passphrase);
            Side to = early == null ? lateTarget(foundation, places, keeper, ends, from.sizeBytes()) : early;
            return TransferText.outcome(source, volume, Transfer.run(ends.loop(), from, to, file, options, job));
        }
    }

    private Side lateTarget(Foundation foundation, KeyPlaces places, Keeper keeper, TransferEnds ends, long sourceBytes)
            throws Exception {
        if (TransferEnds.isAddress(volume)) {
            return ends.target(volume, TransferEnds.RAW, sourceBytes, choices.force(), choices.resume());
        }
        if (!choices.resume()) {
            make(foundation, places, Path.of(volume), keys.one(), sourceBytes);
        }
        return open(foundation, places, keeper, ends);
    }

    private Side open(Foundation foundation, KeyPlaces places, Keeper keeper, TransferEnds ends) throws Exception {
        KeySource opener = places.open(keys.one(), "Passphrase of " + volume);
        Volume open = opening.open(foundation, Path.of(volume), opener, keys, false, keeper);
        Side side = ends.volume(volume, open);
        AuditLog.record(
                AuditEvent.DATA_IMPORT,
                AuditField.of("volume", volume),
                AuditField.of("uuid", open.uuid()),
                AuditField.of("source", source));
        return side;
    }

    private void make(Foundation foundation, KeyPlaces places, Path path, KeyConfig key, long sourceBytes)
            throws Exception {
        long wanted = size == null ? sourceBytes : Sizes.parse("--size", size);
        long bytes = (wanted + UNIT_BYTES - 1) / UNIT_BYTES * UNIT_BYTES;
        if (bytes <= 0 || wanted < sourceBytes) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--size " + wanted + ": the source has " + sourceBytes + " bytes, and a volume for it no fewer.");
        }
        try (NewStores stores = NewStores.make(foundation.files(), path, opening.meta(), opening.metaMirror(), true)) {
            NewKey made = places.makeOrOpen(key, "New passphrase of " + path, false);
            boolean whole = false;
            try {
                Created created = new VolumeCreator(foundation.engine(), InstantSource.system())
                        .create(
                                stores.stores(),
                                List.of(made.source()),
                                CreateOptions.ofSize(bytes).forced(choices.force()));
                stores.keep();
                whole = true;
                NewVolume.remember(path, created, opening.stateDirectory(), err());
            } finally {
                if (!whole) {
                    made.discard();
                }
            }
        }
    }
}
