package io.blockseal.app.command;

import io.blockseal.app.verb.LockVerb;
import io.blockseal.control.Arguments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal lock}: takes the keys of a volume that is being served out of memory. */
@Command(
        name = "lock",
        header = "Take the keys of a served volume out of memory.",
        description = {
            "",
            "What is under way ends first; then every key of the volume is wiped from the daemon's memory. Clients stay"
                    + " connected: their requests wait, or fail with --fail, until `blockseal unlock` brings a key.",
            ""
        },
        footer = {"", "Examples:", "  blockseal lock demo.bsl", "  blockseal unlock demo.bsl --key-file demo.key", ""})
public final class LockCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(names = "--fail", description = "Let requests fail with EIO meanwhile, instead of waiting.")
    private boolean fail;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        return new VerbRun(this, engine, volume)
                .control(control)
                .json(json)
                .run(new LockVerb(), new Arguments().flag(LockVerb.FAIL, fail));
    }
}
