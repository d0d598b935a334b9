package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.KeyPriorityVerb;
import io.blockseal.control.Arguments;
import io.blockseal.format.KeySlotPriority;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal key priority}: when one of the keys that open a volume is tried. */
@Command(
        name = "priority",
        header = "Say when a key slot of a volume is tried.",
        description = {
            "",
            "Whoever opens a volume with several keys at hand tries first those slots that are to come first, then the"
                    + " normal ones, each in the order of their numbers; and goes on to the next where a key source is"
                    + " not reached. A slot on request opens only by --key-slot, or by a key that is given to a volume"
                    + " that is served. A recovery key is always on request.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal key priority demo.bsl --slot 1 --priority first --key-file demo.key",
            "  blockseal key priority demo.bsl --slot 2 --priority on-request --key-file demo.key",
            ""
        })
public final class KeyPriorityCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--slot", required = true, paramLabel = "0-15", description = "Which slot.")
    private int slot;

    @Option(
            names = "--priority",
            required = true,
            paramLabel = "WORD",
            converter = PriorityWord.class,
            description = "first, normal or on-request.")
    private KeySlotPriority priority = KeySlotPriority.NORMAL;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (slot < 0 || slot > 15) {
            throw new CommandException(ExitCode.USAGE, "--slot " + slot + ": a volume has the key slots 0 to 15.");
        }
        return new VerbRun(this, engine, volume)
                .control(control)
                .json(json)
                .keys(keys)
                .run(
                        new KeyPriorityVerb(),
                        new Arguments()
                                .number(KeyPriorityVerb.SLOT, slot)
                                .text(KeyPriorityVerb.PRIORITY, priority.word()));
    }
}
