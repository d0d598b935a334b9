package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.DropSlots;
import io.blockseal.app.verb.RespondLeakVerb;
import io.blockseal.control.Arguments;
import io.blockseal.volume.KeySlots;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal respond-leak}: the keys of a volume replaced, from the top down. */
@Command(
        name = "respond-leak",
        header = "Replace the keys of a volume because somebody may have them.",
        description = {
            "",
            "In this order: the key that opens the volume (as rotate-kek), the volume key (as rotate-volume-key), then the"
                    + " key of each range, which enciphers all data anew and takes as long as copying it. Guests may use"
                    + " the volume meanwhile: the daemon that serves it then does the work as a job, which goes on after"
                    + " Ctrl-C and after a restart of the daemon, once that is configured with the new key. See"
                    + " `blockseal job --help`.",
            "",
            "Name the new key with one --new option; without one, the newest version of the same key is taken, where its"
                    + " source has versions; --same-key keeps it, if it is known to be safe. Of every other key slot say"
                    + " whether it goes (--drop-slot) or its key is safe (--keep-slot; then give that key as well): a"
                    + " recovery key, too, may have leaked. Nothing is begun before all are accounted for. In the end"
                    + " the keys are listed that open the volume.",
            "",
            "Without a daemon, too, it can be interrupted at any moment, by Ctrl-C or a power cut, and goes on when the"
                    + " command is run again with the new key: what remains is noted in the volume. Data that somebody"
                    + " copied before, with the keys of that day, is beyond reach; destroy old header backups and the"
                    + " old key.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal respond-leak demo.bsl --key-file demo.key --new-key-file next.key --drop-slot 1",
            "  blockseal respond-leak demo.bsl --key-file next.key",
            "  blockseal respond-leak demo.bsl --key-file demo.key --new-key-file next.key --detach",
            ""
        })
public final class RespondLeakCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

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
            description = "Let this key slot go: its key opens the volume no more. May be given more than once.")
    private List<Integer> dropSlots = new ArrayList<>();

    @Option(
            names = "--keep-slot",
            paramLabel = "0-15",
            description = "Keep the key of this slot: it is known not to have leaked. May be given more than once.")
    private List<Integer> keepSlots = new ArrayList<>();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(
            names = "--detach",
            description = "If a daemon serves the volume: print the number of its job and leave it to that.")
    private boolean detach;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        Set<Integer> drop = RotateVolumeKeyCommand.slots("--drop-slot", dropSlots);
        Set<Integer> keep = RotateVolumeKeyCommand.slots("--keep-slot", keepSlots);
        if (slot < KeySlots.WHICHEVER_OPENS || slot > 15) {
            throw new CommandException(ExitCode.USAGE, "--slot " + slot + ": a volume has the key slots 0 to 15.");
        }
        if (sameKey && newKey.given()) {
            throw new CommandException(ExitCode.USAGE, "--same-key and a new key contradict each other.");
        }
        if (newKey.given()) {
            newKey.requireOne();
        }
        Arguments arguments = new Arguments().flag(RespondLeakVerb.SAME_KEY, sameKey);
        if (slot != KeySlots.WHICHEVER_OPENS) {
            arguments.number(RespondLeakVerb.SLOT, slot);
        }
        return new VerbRun(this, engine, volume)
                .control(control)
                .detach(detach)
                .json(json)
                .keys(keys)
                .newKey(newKey)
                .run(new RespondLeakVerb(), DropSlots.keptIn(DropSlots.in(arguments, drop), keep));
    }
}
