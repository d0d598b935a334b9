package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.DropSlots;
import io.blockseal.app.verb.RotateVolumeKeyVerb;
import io.blockseal.control.Arguments;
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
                    + " go by --drop-slot. Guests may use the volume meanwhile.",
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
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(
            names = "--drop-slot",
            paramLabel = "0-15",
            description = "Let this key slot go instead of wrapping it anew. May be given more than once.")
    private List<Integer> dropSlots = new ArrayList<>();

    @Option(
            names = "--detach",
            description = "If a daemon serves the volume: print the number of its job and leave it to that.")
    private boolean detach;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        Set<Integer> drop = slots("--drop-slot", dropSlots);
        return new VerbRun(this, engine, volume)
                .control(control)
                .detach(detach)
                .json(json)
                .keys(keys)
                .run(new RotateVolumeKeyVerb(), DropSlots.in(new Arguments(), drop));
    }

    /** Refuses numbers that no slot has. */
    static Set<Integer> slots(String option, List<Integer> given) throws CommandException {
        for (int slot : given) {
            if (slot < 0 || slot > 15) {
                throw new CommandException(
                        ExitCode.USAGE, option + " " + slot + ": a volume has the key slots 0 to 15.");
            }
        }
        return new TreeSet<>(given);
    }
}
