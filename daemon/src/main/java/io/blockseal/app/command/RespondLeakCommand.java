package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.ForegroundJob;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.NewKey;
import io.blockseal.app.Terminal;
import io.blockseal.job.JobCanceledException;
import io.blockseal.keysource.KeySource;
import io.blockseal.memory.Memory;
import io.blockseal.rotation.DekRotation;
import io.blockseal.rotation.RangeSelection;
import io.blockseal.rotation.RateLimit;
import io.blockseal.volume.KeySlots;
import io.blockseal.volume.LeakResponse;
import io.blockseal.volume.LeakResponse.Step;
import io.blockseal.volume.Volume;
import io.blockseal.volume.WrittenChunks;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal respond-leak}: every key of a volume replaced, from the top down. */
@Command(
        name = "respond-leak",
        header = "Replace all keys of a volume because somebody may have them.",
        description = {
            "",
            "In this order: the key that opens the volume (as rotate-kek), the volume key (as rotate-volume-key), then the"
                    + " key of each range, which enciphers all data anew and takes as long as copying it. Stop serving"
                    + " the volume first.",
            "",
            "Name the new key with one --new option; without one, the newest version of the same key is taken, where its"
                    + " source has versions; --same-key keeps it, if it is known to be safe. Give the keys of the other"
                    + " key slots as well, or let them go by --drop-slot.",
            "",
            "It can be interrupted at any moment, by Ctrl-C or a power cut, and goes on when the command is run again"
                    + " with the new key: what remains is noted in the volume. Data that somebody copied before, with"
                    + " the keys of that day, is beyond reach; destroy old header backups and the old key.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal respond-leak demo.bsl --key-file demo.key --new-key-file next.key --drop-slot 1",
            "  blockseal respond-leak demo.bsl --key-file next.key",
            ""
        })
public final class RespondLeakCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Mixin
    private final NewKeyOptions newKey = new NewKeyOptions();

    @Option(names = "--same-key", description = "Keep the key that opens the volume: it is known not to have leaked.")
    private boolean sameKey;

    @Option(
            names = "--slot",
            paramLabel = "0-15",
            description = "Replace the key of this slot (default: of the one that opens the volume).")
    private int slot = KeySlots.WHICHEVER_OPENS;

    @Option(
            names = "--drop-slot",
            paramLabel = "0-15",
            description = "Let this key slot go instead of wrapping it anew. May be given more than once.")
    private List<Integer> dropSlots = new ArrayList<>();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        Set<Integer> drop = RotateVolumeKeyCommand.slots(dropSlots);
        if (slot < KeySlots.WHICHEVER_OPENS || slot > 15) {
            throw new CommandException(ExitCode.USAGE, "--slot " + slot + ": a volume has the key slots 0 to 15.");
        }
        if (sameKey && newKey.given()) {
            throw new CommandException(ExitCode.USAGE, "--same-key and a new key contradict each other.");
        }
        if (newKey.given()) {
            newKey.requireOne();
        }
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper()) {
            List<KeySource> sources = volume.keys(places, keys);
            try (Volume open = volume.open(foundation, sources, keys, keeper)) {
                List<KeySource> atHand = new ArrayList<>(begin(open, places, sources));
                atHand.addAll(sources);
                goOn(open, foundation, atHand, drop);
                tell(open);
            }
        }
        return ExitCode.OK.number();
    }

    /** Begins, unless it is under way; returns the new key, if there is one. */
    private List<KeySource> begin(Volume open, KeyPlaces places, List<KeySource> sources) throws Exception {
        LeakResponse response = open.leakResponse();
        if (response.standing().next() != Step.NONE) {
            if (newKey.given()) {
                throw new CommandException(
                        ExitCode.USAGE,
                        volume.path() + ": this is under way since "
                                + response.standing().since()
                                + ", and its key was replaced then.\n  Run the command again without a new key.");
            }
            return List.of();
        }
        NewKey made = newKey.given() ? newKey.make(places, volume.path()) : null;
        try {
            response.begin(slot, sources, replacement(made, sources));
        } catch (Exception failed) {
            if (made != null) {
                made.discard();
            }
            throw failed;
        }
        if (made == null) {
            return List.of();
        }
        PrintWriter out = json ? err() : out();
        out.println(volume.path() + ": opens by " + made.description() + " from now on.");
        NewKeyOptions.showOnce(made, out);
        return List.of(made.source());
    }

    private @Nullable KeySource replacement(@Nullable NewKey made, List<KeySource> sources) {
        if (made != null) {
            return made.source();
        }
        return sameKey ? null : sources.get(0);
    }

    private void goOn(Volume open, Foundation foundation, List<KeySource> atHand, Set<Integer> drop) throws Exception {
        Memory chunk = foundation.memory().map(WrittenChunks.CHUNK_BYTES);
        try (ForegroundJob job =
                ForegroundJob.begin(err(), Terminal.isError(), "Replacing all keys of " + volume.path())) {
            open.leakResponse()
                    .goOn(
                            atHand,
                            drop,
                            (madeBefore, control) -> new DekRotation(
                                            open, chunk, new RateLimit(Long.MAX_VALUE, System::nanoTime))
                                    .run(new RangeSelection(0, Long.MAX_VALUE, madeBefore), control),
                            job);
        } catch (JobCanceledException interrupted) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    volume.path() + ": interrupted. The volume is usable as it is; run the command again with the key"
                            + " that opens it now, and it goes on.",
                    interrupted);
        }
    }

    private void tell(Volume open) {
        PrintWriter out = out();
        if (json) {
            out.print(JsonText.of(document -> {
                document.writeStringField("volume", volume.path().toString());
                document.writeStringField("uuid", open.uuid().toString());
                document.writeNumberField(
                        "volumeKeyEpoch", open.volumeKeyRotation().standing().epoch());
                document.writeStringField("identity", open.identity());
            }));
        } else {
            out.println(volume.path() + ": all of its keys have been replaced.");
            out.println("  Identity now: " + open.identity());
            out.println("  Make a new header backup, and destroy those from before and the old key.");
        }
        out.flush();
    }
}
