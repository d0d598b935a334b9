package io.blockseal.app.command;

import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.app.console.Progress;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.verb.KeySlotText;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.config.ByteSize;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.header.BackupFile;
import io.blockseal.volume.header.HeaderBackup;
import io.blockseal.volume.header.HeaderSnapshot;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code blockseal header backup}: all metadata of a volume into one file, also while it is served. */
@Command(
        name = "backup",
        header = "Write all metadata of a volume to a file.",
        description = {
            "",
            "Works while the volume is served. With a key every MAC is verified first; without one only checksums are,"
                    + " so name a key now and then. Ranges that are first written to after the backup are not in it:"
                    + " repeat it, best every hour, and after each change of keys or size.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal header backup demo.bsl demo.header --key-file demo.key",
            "  blockseal header backup /dev/sdb /backup/sdb.header --meta sdb.meta --force",
            "",
            "Exit code 0: written and durable; 1: it could not be, or FILE exists; 3: wrong key; 4: the",
            "metadata is damaged, nothing was written.",
            ""
        })
public final class HeaderBackupCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Here volume = new VolumeOptions.Here();

    @Parameters(index = "1", arity = "1", paramLabel = "FILE", description = "The backup to write, mode 0600.")
    private Path file = Path.of("");

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--force", description = "Replace an older backup of the same volume. Nothing else is replaced.")
    private boolean force;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        HeaderBackup backup;
        boolean verified = keys.given();
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            VolumeStores stores = volume.stores(foundation, StoreOptions.PEEK);
            try (Progress progress = new Progress(err(), Terminal.isError(), "Reading " + volume.path())) {
                long now = InstantSource.system().instant().getEpochSecond();
                backup = verified
                        ? HeaderSnapshot.take(
                                foundation.engine(),
                                stores,
                                List.of(volume.key(places, keys)),
                                keys.keySlot(),
                                now,
                                progress::count)
                        : HeaderSnapshot.take(stores, now, progress::count);
            } finally {
                stores.close();
            }
        }
        BackupFile.write(file, backup, force);
        AuditLog.record(
                AuditEvent.HEADER_BACKUP,
                AuditField.of("volume", volume.path()),
                AuditField.of("uuid", backup.uuid()),
                AuditField.of("commit", backup.commitSeq()),
                AuditField.of("file", file));
        PrintWriter out = out();
        out.print(json ? json(backup, verified) : text(backup, verified));
        out.flush();
        return ExitCode.OK.number();
    }

    private String text(HeaderBackup backup, boolean verified) {
        return volume.path() + ": commit " + backup.commitSeq() + " of "
                + Instant.ofEpochSecond(backup.committedSeconds()) + " is in " + file + " ("
                + ByteSize.human(backup.fileBytes()) + ", " + backup.activeRanges() + " ranges in use"
                + (verified ? ", verified" : ", by checksums only: name a key to verify it") + ")\n";
    }

    private String json(HeaderBackup backup, boolean verified) {
        return JsonText.of(document -> {
            document.writeStringField("volume", volume.path().toString());
            document.writeStringField("file", file.toString());
            document.writeStringField("uuid", backup.uuid().toString());
            document.writeNumberField("commitSeq", backup.commitSeq());
            document.writeStringField(
                    "committed",
                    Instant.ofEpochSecond(backup.committedSeconds()).toString());
            document.writeStringField(
                    "created", Instant.ofEpochSecond(backup.createdSeconds()).toString());
            document.writeNumberField("bytes", backup.fileBytes());
            document.writeNumberField("activeRanges", backup.activeRanges());
            document.writeBooleanField("authenticated", verified);
            KeySlotText.write(document, backup.keySlots());
        });
    }
}
