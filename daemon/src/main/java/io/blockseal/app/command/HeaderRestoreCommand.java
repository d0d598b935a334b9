package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Progress;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.keysource.KeySource;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.check.CheckReport;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.header.BackupFile;
import io.blockseal.volume.header.HeaderBackup;
import io.blockseal.volume.header.HeaderRestore;
import io.blockseal.volume.header.RestorePreview;
import io.blockseal.volume.header.RestoreRequest;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code blockseal header restore}: a backup in the place of a volume's metadata, after showing what that loses. */
@Command(
        name = "restore",
        header = "Put a backup in the place of a volume's metadata.",
        description = {
            "",
            "Stop serving the volume first. The backup is proved with a key that opened the volume on that day, then"
                    + " compared with what is left of the volume's own metadata. Ranges that got a key since the backup"
                    + " lose what was written to them: nothing is changed unless --accept-loss says that as many may."
                    + " Keys that were removed since open the volume again.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal header restore demo.bsl demo.header --key-file demo.key --dry-run",
            "  blockseal header restore demo.bsl demo.header --key-file demo.key --accept-loss=31",
            "",
            "Exit code 0: restored, or shown by --dry-run; 1: refused, because data would be lost or something",
            "else is there, and nothing was changed; 3: wrong key; 4: not that volume, or a damaged backup;",
            "5: in use.",
            ""
        })
public final class HeaderRestoreCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Here volume = new VolumeOptions.Here();

    @Parameters(index = "1", arity = "1", paramLabel = "FILE", description = "What 'header backup' wrote.")
    private Path file = Path.of("");

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(
            names = "--accept-loss",
            paramLabel = "N",
            description = "Go on if at most N ranges lose what was written to them since the backup.")
    private long acceptLoss;

    @Option(names = "--dry-run", description = "Show what would be lost, and change nothing.")
    private boolean dryRun;

    @Option(
            names = "--force",
            description = "Go on although something else is there and nothing of the volume: that is then lost.")
    private boolean force;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (acceptLoss < 0) {
            throw new CommandException(ExitCode.USAGE, "--accept-loss " + acceptLoss + ": a number of ranges.");
        }
        HeaderBackup backup = BackupFile.read(file);
        PrintWriter out = out();
        ExitCode exit = ExitCode.OK;
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            KeySource key = volume.key(places, keys);
            RestoreRequest request = new RestoreRequest(
                    file.toString(), List.of(key), keys.keySlot(), force, dryRun, volume.trustIdentity());
            VolumeStores stores = volume.stores(foundation, new StoreOptions(dryRun, false));
            try (Progress progress = new Progress(err(), Terminal.isError(), "Reading " + volume.path());
                    HeaderRestore restore = HeaderRestore.plan(
                            foundation.engine(), stores, backup, request, volume.memory(), progress::count)) {
                RestorePreview preview = restore.preview();
                boolean goesOn = !dryRun && preview.lossCount() <= acceptLoss;
                if (!json) {
                    out.print(RestorePreviewText.of(preview, file));
                } else if (!goesOn) {
                    out.print(RestorePreviewText.json(preview, file, false));
                }
                out.flush();
                if (!dryRun) {
                    restore.apply(acceptLoss, InstantSource.system());
                    if (json) {
                        // Only now: who reads "restored" may rely on it.
                        out.print(RestorePreviewText.json(preview, file, true));
                        out.flush();
                    }
                    exit = verdict(VolumeChecker.check(foundation.engine(), stores, List.of(key)));
                }
            } finally {
                stores.close();
            }
        }
        return exit.number();
    }

    /** Whoever restores wants to know that it worked: all of it is read and verified once more. */
    private ExitCode verdict(CheckReport report) {
        boolean damaged = report.damaged();
        if (!json || damaged) {
            (damaged ? err() : out())
                    .println(volume.path()
                            + (damaged
                                    ? ": restored, but blockseal check finds damage: the storage fails"
                                    : ": restored and verified, " + report.activeRanges()
                                            + " ranges in use. Serve it again," + " and check the filesystem in it."));
        }
        out().flush();
        err().flush();
        return damaged ? ExitCode.DAMAGED : ExitCode.OK;
    }
}
