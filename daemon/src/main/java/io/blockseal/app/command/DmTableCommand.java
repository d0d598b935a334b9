package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.tending.Keeper;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.config.KeyConfig;
import io.blockseal.volume.Volume;
import java.io.PrintWriter;
import java.nio.file.Files;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal dm-table}: the way out. The kernel's dm-crypt reads the volume without us. */
@Command(
        name = "dm-table",
        header = "Print a device-mapper table that reads a volume without Blockseal.",
        description = {
            "",
            "THE TABLE HOLDS THE KEYS OF ALL RANGES, in the clear: whoever sees it reads the volume. It is printed on a"
                    + " terminal to who unlocks with the recovery key, and anywhere else with --i-know. Pipe it into"
                    + " dmsetup; do not keep it in a file.",
            "",
            "One dm-crypt line for each range with a key, 'zero' for those without, 'error' for lost ones. Nothing is"
                    + " changed, and the volume must not be served. Map it read-only and copy the files out. Two things"
                    + " are otherwise than when served: what was never written, was trimmed or zeroed inside a range"
                    + " that has a key reads as noise, and a write to a 'zero' line is lost.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal dm-table /dev/sdb --recovery-key-file paper",
            "  blockseal dm-table disk.bsl --key-file disk.key --device /dev/loop0 --i-know",
            "",
            "In a root shell:",
            "  loop=$(losetup --read-only --find --show disk.bsl)",
            "  dmsetup create disk --readonly < <(blockseal dm-table disk.bsl --key-file disk.key \\",
            "    --device $loop --i-know)",
            "  mount -o ro /dev/mapper/disk /mnt",
            ""
        })
public final class DmTableCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Here volume = new VolumeOptions.Here();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(
            names = "--device",
            paramLabel = "PATH",
            description = "The block device that the lines shall name (default: VOLUME).")
    private @Nullable String device;

    @Option(names = "--i-know", description = "Print the keys wherever standard output leads.")
    private boolean iKnow;

    @Override
    public Integer call() throws Exception {
        boolean byRecoveryKey = keys.one().kind() == KeyConfig.Kind.RECOVERY_KEY_FILE;
        if (!iKnow && !(byRecoveryKey && Terminal.isOutput())) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "the table holds the keys of all ranges in the clear. It is printed on a terminal, to who unlocks"
                            + " with --recovery-key-file; anywhere else add --i-know.");
        }
        String target =
                device == null ? volume.path().toAbsolutePath().normalize().toString() : device;
        if (!target.matches("[^\\s\\p{Cntrl}]+")) {
            throw new CommandException(
                    ExitCode.USAGE, "--device: '" + target + "' cannot stand in a table, which ends words at blanks.");
        }
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper();
                Volume open = volume.open(foundation, volume.key(places, keys), keys, true, keeper)) {
            DmTable table = new DmTable(open, foundation.engine().keys(), target);
            // Before the first key: what is half printed when somebody pulls the plug was exported as well.
            AuditLog.record(
                    AuditEvent.KEYS_EXPORTED,
                    AuditField.of("volume", volume.path()),
                    AuditField.of("uuid", open.uuid()),
                    AuditField.of("how", "dm-table"));
            table.write(out());
            PrintWriter err = err();
            if (device == null && Files.isRegularFile(volume.path())) {
                err.println("blockseal: " + target + " is a file, and the device mapper needs a block device: make one"
                        + " with losetup --read-only --find --show, and name it with --device.");
            }
            if (table.lostRanges() > 0) {
                err.println("blockseal: " + table.lostRanges() + " ranges are lost or have a damaged entry: they are"
                        + " 'error' lines. Read docs/errors.md.");
            }
            err.flush();
        }
        return ExitCode.OK.number();
    }
}
