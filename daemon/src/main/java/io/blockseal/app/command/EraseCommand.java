package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.EraseEvidence;
import io.blockseal.app.EraseEvidence.Kek;
import io.blockseal.app.EraseEvidence.Outcome;
import io.blockseal.app.EvidenceFile;
import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.Terminal;
import io.blockseal.app.verb.KeySlotText;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.config.ByteSize;
import io.blockseal.config.KeyConfig;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.VolumeErasure;
import io.blockseal.volume.VolumeInfo;
import io.blockseal.volume.VolumeStores;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal erase}: destroys what opens a volume, for ever, and leaves a record of it. */
@Command(
        name = "erase",
        header = "Erase a volume for ever: destroy every copy of its keys.",
        description = {
            "",
            "Overwrites the key slots, the table of range keys and the roots, in the volume (or its detached metadata,"
                    + " --meta) and in its mirror (--meta-mirror), and gives their space back. What is left is noise that"
                    + " no key opens. It takes milliseconds, whatever the size, and needs no key. The volume must not be"
                    + " served.",
            "",
            "A header backup brings an erased volume back, with a key that opened it when the backup was made. With"
                    + " --destroy-kek the keys that are named are destroyed as well, where they live: a key file is"
                    + " overwritten and removed. It then opens no other volume either.",
            "",
            "On a terminal the volume's label or UUID has to be typed; a script gives --yes-erase. The record says what"
                    + " was destroyed and what remains.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal erase demo.bsl",
            "  blockseal erase demo.bsl --yes-erase 4f1c6a52-9d0e-4a6b-8c39-5b0f6f3a2f11 --evidence demo.erased.json",
            "  blockseal erase demo.bsl --destroy-kek --key-file demo.key --evidence demo.erased.json",
            "",
            "Exit code 0: erased; 1: refused or the storage failed, the message says how far it came; 4: not a volume;",
            "5: in use; 7: erased, but a key that was to be destroyed is not, or no such key, nothing was changed.",
            ""
        })
public final class EraseCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(
            names = "--destroy-kek",
            description = "Destroy the keys named by the key options at their source, too. Only key files can be.")
    private boolean destroyKek;

    @Option(
            names = "--yes-erase",
            paramLabel = "UUID",
            description = "Erase without asking, if this is the volume's UUID.")
    private @Nullable String confirmation;

    @Option(
            names = "--evidence",
            paramLabel = "FILE",
            description = "Write the record of it to FILE (JSON, mode 0600), which must not exist.")
    private @Nullable Path evidenceFile;

    @Option(names = "--json", description = "Print the record.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (destroyKek != keys.given()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    destroyKek
                            ? "--destroy-kek: name the key to destroy, with --key-file FILE."
                            : "erasing needs no key; to destroy the key as well, add --destroy-kek.");
        }
        Path mirror = volume.metaMirror();
        if (mirror != null && !Files.exists(mirror, LinkOption.NOFOLLOW_LINKS)) {
            throw new CommandException(ExitCode.FAILURE, mirror + ": no such mirror; nothing was erased.");
        }
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            VolumeStores stores = volume.stores(foundation, new StoreOptions(false, false));
            try {
                if (mirror != null && stores.mirror() == null) {
                    throw new CommandException(
                            ExitCode.FAILURE, mirror + ": the mirror cannot be opened; nothing was erased.");
                }
                VolumeErasure erasure = VolumeErasure.plan(stores);
                return erase(erasure, keks(erasure, places)).number();
            } finally {
                stores.close();
            }
        }
    }

    /** The sources to be asked to destroy their keys, and the slots that these open. All checks are made here. */
    private Map<KeySource, List<Integer>> keks(VolumeErasure erasure, KeyPlaces places)
            throws CommandException, KeySourceException {
        Map<KeySource, List<Integer>> sources = new LinkedHashMap<>();
        for (KeyConfig key : keys.all()) {
            KeySource source = places.open(key, "Passphrase of " + volume.path());
            String why = source.whyIndestructible();
            if (why != null) {
                throw new CommandException(
                        ExitCode.KEY_SOURCE,
                        "--destroy-kek: " + key.kind().word() + " cannot destroy its key: " + why
                                + ". Nothing was changed; leave that key out.");
            }
            List<Integer> slots = erasure.slotsOpenedBy(source);
            if (slots.isEmpty()) {
                throw new CommandException(
                        ExitCode.WRONG_KEY,
                        "--destroy-kek: " + source.reference() + " opens no key slot of " + volume.path()
                                + "; nothing was changed.");
            }
            sources.put(source, slots);
        }
        return sources;
    }

    private ExitCode erase(VolumeErasure erasure, Map<KeySource, List<Integer>> keks) throws Exception {
        VolumeInfo info = erasure.info();
        confirm(info, keks);
        EraseEvidence evidence = new EraseEvidence(info, volume.path(), volume.meta(), volume.metaMirror());
        EvidenceFile file = evidenceFile == null ? null : EvidenceFile.begin(evidenceFile, evidence.json());
        ExitCode exit = ExitCode.OK;
        try {
            erasure.apply();
            AuditLog.record(
                    AuditEvent.VOLUME_ERASED,
                    AuditField.of("volume", volume.path()),
                    AuditField.of("uuid", info.uuid()),
                    AuditField.of("identity", info.identity()),
                    AuditField.of("slots", info.keySlots().size()));
            evidence.end(Outcome.ERASED, "");
            for (Map.Entry<KeySource, List<Integer>> each : keks.entrySet()) {
                exit = destroy(evidence, info, each.getKey(), each.getValue()) ? exit : ExitCode.KEY_SOURCE;
            }
        } catch (StoreException e) {
            evidence.end(Outcome.FAILED, String.valueOf(e.getMessage()));
            throw e;
        } finally {
            finish(file, evidence);
        }
        PrintWriter out = out();
        out.print(json ? evidence.json() : text(evidence));
        out.flush();
        return exit;
    }

    private boolean destroy(EraseEvidence evidence, VolumeInfo info, KeySource source, List<Integer> slots) {
        try {
            evidence.kek(new Kek(source.reference(), slots, true, source.destroy()));
            AuditLog.record(
                    AuditEvent.KEK_DESTROYED,
                    AuditField.of("volume", volume.path()),
                    AuditField.of("uuid", info.uuid()),
                    AuditField.of("kek", source.reference()));
            return true;
        } catch (KeySourceException e) {
            String why = String.valueOf(e.getMessage());
            evidence.kek(new Kek(source.reference(), slots, false, why));
            evidence.end(Outcome.KEK_REMAINS, why);
            err().println("blockseal: " + volume.path() + ": erased, but " + why);
            err().flush();
            return false;
        }
    }

    /** The volume is gone by now, or may be: a record that cannot be kept in its file must be seen at least. */
    private void finish(@Nullable EvidenceFile file, EraseEvidence evidence) throws IOException {
        if (file == null) {
            return;
        }
        try {
            file.end(evidence.json());
        } catch (IOException e) {
            out().print(evidence.json());
            out().flush();
            throw new IOException(
                    evidenceFile + ": the record of it could not be written, and is on standard output", e);
        }
    }

    private void confirm(VolumeInfo info, Map<KeySource, List<Integer>> keks) throws CommandException {
        String given = confirmation;
        if (given != null) {
            if (!given.strip().equalsIgnoreCase(info.uuid().toString())) {
                throw new CommandException(
                        ExitCode.FAILURE,
                        volume.path() + ": has the UUID " + info.uuid() + ", not " + given + "; nothing was erased.");
            }
            return;
        }
        if (!Terminal.canAsk()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "there is no terminal to ask whether to erase " + volume.path() + " for ever.\n  In a script: "
                            + "--yes-erase UUID (blockseal info tells it).");
        }
        PrintWriter err = err();
        err.println("This erases " + volume.path() + " for ever: " + ByteSize.human(info.sizeBytes()) + ", created "
                + Instant.ofEpochSecond(info.createdSeconds()) + ".");
        err.println("  label " + (info.label().isEmpty() ? "(none)" : info.label()) + "   UUID " + info.uuid());
        for (KeySlotInfo slot : info.keySlots()) {
            err.println("  " + KeySlotText.of(slot));
        }
        keks.keySet()
                .forEach(source ->
                        err.println("and destroys " + source.reference() + ", with all other volumes that it opens."));
        err.flush();
        String typed = Terminal.askLine(
                info.label().isEmpty() ? "Type its UUID to go on" : "Type its label or its UUID to go on");
        boolean right = typed != null
                && (typed.strip().equalsIgnoreCase(info.uuid().toString())
                        || (!info.label().isEmpty() && typed.strip().equals(info.label())));
        if (!right) {
            throw new CommandException(ExitCode.FAILURE, volume.path() + ": not confirmed; nothing was erased.");
        }
    }

    private String text(EraseEvidence evidence) {
        StringBuilder text = new StringBuilder();
        text.append(volume.path()).append(": erased. Nothing opens it any more.\n");
        for (String done : evidence.destroyedKeks()) {
            text.append("  ").append(done).append('\n');
        }
        text.append("What remains:\n");
        for (String left : evidence.remains()) {
            text.append("  - ").append(left).append('\n');
        }
        if (evidenceFile != null) {
            text.append("The record of it is in ").append(evidenceFile).append(".\n");
        }
        return text.toString();
    }
}
