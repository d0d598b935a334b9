package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.ForegroundJob;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.Terminal;
import io.blockseal.job.JobCanceledException;
import io.blockseal.keysource.KeySource;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeKeyRotation;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal rotate-volume-key}: another volume key, without touching data. */
@Command(
        name = "rotate-volume-key",
        header = "Give a volume another volume key, and wrap the keys of all ranges anew under it.",
        description = {
            "",
            "Wraps the key of every range anew, under a new volume key that the same keys open. No data is read or"
                    + " written. Every key slot changes, so give the key of each; a slot whose key is not at hand is let"
                    + " go by --drop-slot. Stop serving the volume first.",
            "",
            "It can be interrupted at any moment, by Ctrl-C or a power cut: the volume stays usable, and the same command"
                    + " goes on. The volume's identity changes: this host remembers the new one, others that know the"
                    + " old one are told by --trust-identity or a new expect-identity.",
            "",
            "The keys of ranges stay the same. A key file or passphrase that may be known is replaced by rotate-kek, best"
                    + " before this.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal rotate-volume-key demo.bsl --key-file demo.key --recovery-key-file paper.txt",
            "  blockseal rotate-volume-key demo.bsl --key-file demo.key --drop-slot 1",
            ""
        })
public final class RotateVolumeKeyCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(
            names = "--drop-slot",
            paramLabel = "0-15",
            description = "Let this key slot go instead of wrapping it anew. May be given more than once.")
    private List<Integer> dropSlots = new ArrayList<>();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        Set<Integer> drop = slots(dropSlots);
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper()) {
            List<KeySource> sources = volume.keys(places, keys);
            try (Volume open = volume.open(foundation, sources, keys, keeper)) {
                String before = open.identity();
                rotate(open, sources, drop);
                tell(open, before);
            }
        }
        return ExitCode.OK.number();
    }

    /** Refuses numbers that no slot has. */
    static Set<Integer> slots(List<Integer> given) throws CommandException {
        for (int slot : given) {
            if (slot < 0 || slot > 15) {
                throw new CommandException(
                        ExitCode.USAGE, "--drop-slot " + slot + ": a volume has the key slots 0 to 15.");
            }
        }
        return new TreeSet<>(given);
    }

    private void rotate(Volume open, List<KeySource> sources, Set<Integer> drop) throws Exception {
        VolumeKeyRotation rotation = open.volumeKeyRotation();
        if (!rotation.standing().underWay()) {
            rotation.begin(sources, drop);
        } else if (!drop.isEmpty()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    volume.path() + ": a rotation is under way, and its key slots are done already.\n"
                            + "  Run this again without --drop-slot, then remove the slot: blockseal key remove.");
        }
        try (ForegroundJob job = ForegroundJob.begin(err(), Terminal.isError(), "Rotating the volume key")) {
            rotation.goOn(job);
        } catch (JobCanceledException interrupted) {
            VolumeKeyRotation.Standing now = rotation.standing();
            throw new CommandException(
                    ExitCode.FAILURE,
                    volume.path() + ": interrupted at table page " + now.donePages() + " of " + now.pages()
                            + ". The volume is usable as it is; the same command goes on.",
                    interrupted);
        }
    }

    private void tell(Volume open, String before) {
        VolumeKeyRotation.Standing standing = open.volumeKeyRotation().standing();
        PrintWriter out = out();
        if (json) {
            out.print(JsonText.of(document -> {
                document.writeStringField("volume", volume.path().toString());
                document.writeStringField("uuid", open.uuid().toString());
                document.writeNumberField("volumeKeyEpoch", standing.epoch());
                document.writeStringField("identity", open.identity());
                document.writeNumberField("tablePages", standing.pages());
            }));
        } else {
            out.println(
                    volume.path() + ": has volume key " + standing.epoch() + " now, and nothing of the one before.");
            if (!before.equals(open.identity())) {
                out.println("  Identity was: " + before);
            }
            out.println("  Identity now: " + open.identity());
            out.println(
                    "  Make a new header backup: those from before belong to the volume key of before. Destroy them if"
                            + " you can.");
        }
        out.flush();
    }
}
