package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.erase.DoomedKeys;
import io.blockseal.app.erase.EraseEvidence;
import io.blockseal.app.erase.EraseEvidence.Wisher;
import io.blockseal.app.erase.EraseText;
import io.blockseal.app.erase.Eraser;
import io.blockseal.app.erase.EvidenceFile;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.config.KeyConfig;
import io.blockseal.store.StoreInUseException;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.VolumeErasure;
import io.blockseal.volume.VolumeInfo;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
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
                    + " no key opens. It takes milliseconds, whatever the size, and needs no key.",
            "",
            "A volume that is being served is erased by its daemon: its clients are sent away, its keys leave the memory,"
                    + " and the export is gone. The daemon knows where its metadata lies, and destroys key files that"
                    + " --destroy-kek names itself, by the name that they have for it.",
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
            "  blockseal erase demo.bsl --yes-erase 4f1c6a52-9d0e-4a6b-8c39-5b0f6f3a2f11 --evidence e.json",
            "  blockseal erase demo.bsl --destroy-kek --key-file demo.key --evidence demo.erased.json",
            "",
            "Exit code 0: erased; 1: refused or the storage failed, the message says how far it came; 4: not a",
            "volume; 5: in use by nobody who could be asked, or the use does not end; 7: erased, but a key that",
            "was to be destroyed is not, or no such key, nothing was changed.",
            ""
        })
public final class EraseCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

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
        ControlOptions.Serving serving = control.findFirst(volume.path());
        if (serving != null) {
            return eraseThere(serving);
        }
        try {
            return eraseHere();
        } catch (StoreInUseException inUse) {
            return eraseThere(control.findHolder(volume.path(), inUse));
        }
    }

    private int eraseHere() throws Exception {
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
                DoomedKeys doomed = new DoomedKeys(called());
                for (KeyConfig key : keys.all()) {
                    doomed.add(key.kind().word(), places.open(key, "Passphrase of " + volume.path()), erasure);
                }
                return erase(erasure, doomed).number();
            } finally {
                stores.close();
            }
        }
    }

    private ExitCode erase(VolumeErasure erasure, DoomedKeys doomed) throws Exception {
        VolumeInfo info = erasure.info();
        confirm(info.uuid().toString(), info.label(), EraseText.before(called(), info, doomed));
        EraseEvidence evidence =
                new EraseEvidence(info, Wisher.self(), volume.path(), volume.meta(), volume.metaMirror());
        EvidenceFile file = evidenceFile == null ? null : EvidenceFile.begin(evidenceFile, evidence.json());
        List<String> complaints;
        try {
            complaints = new Eraser(erasure, doomed, evidence, called()).erase();
        } finally {
            finish(file, evidence.json());
        }
        print(complaints, evidence.json(), EraseText.after(called(), evidence));
        return complaints.isEmpty() ? ExitCode.OK : ExitCode.KEY_SOURCE;
    }

    private int eraseThere(ControlOptions.Serving serving) throws Exception {
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            ServedEraseRun run = new ServedEraseRun(serving, volume.path(), keys.all(), places);
            ErasureReply plan = run.plan();
            confirm(plan.uuid(), plan.label(), plan.text());
            EvidenceFile file = evidenceFile == null ? null : EvidenceFile.begin(evidenceFile, plan.record());
            ServedEraseRun.Done done = run.erase(plan.uuid(), file);
            if (!done.said().record().isEmpty()) {
                finish(file, done.said().record());
            }
            done.requireDone();
            print(done.said().complaints(), done.said().record(), done.said().text());
            return done.exitCode();
        }
    }

    private String called() {
        return volume.path().toString();
    }

    /** The volume is gone by now, or may be: a record that cannot be kept in its file must be seen at least. */
    private void finish(@Nullable EvidenceFile file, String record) throws IOException {
        if (file == null) {
            return;
        }
        try {
            file.end(record);
        } catch (IOException e) {
            out().print(record);
            out().flush();
            throw new IOException(
                    evidenceFile + ": the record of it could not be written, and is on standard output", e);
        }
    }

    private void print(List<String> complaints, String record, String text) {
        complaints.forEach(complaint -> err().println("blockseal: " + complaint));
        err().flush();
        PrintWriter out = out();
        out.print(json ? record : text);
        if (!json && evidenceFile != null) {
            out.println("The record of it is in " + evidenceFile + ".");
        }
        out.flush();
    }

    private void confirm(String uuid, String label, String question) throws CommandException {
        String given = confirmation;
        if (given != null) {
            EraseText.requireUuid(called(), uuid, given);
            return;
        }
        if (!Terminal.canAsk()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "there is no terminal to ask whether to erase " + volume.path() + " for ever.\n  In a script: "
                            + "--yes-erase UUID (blockseal info tells it).");
        }
        PrintWriter err = err();
        err.print(question);
        err.flush();
        String typed =
                Terminal.askLine(label.isEmpty() ? "Type its UUID to go on" : "Type its label or its UUID to go on");
        boolean right = typed != null
                && (typed.strip().equalsIgnoreCase(uuid)
                        || (!label.isEmpty() && typed.strip().equals(label)));
        if (!right) {
            throw new CommandException(ExitCode.FAILURE, volume.path() + ": not confirmed; nothing was erased.");
        }
    }
}
