package io.blockseal.app.command;

import io.blockseal.app.verb.InfoVerb;
import io.blockseal.control.Arguments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal info}: what can be told without a key, also while the volume is served. */
@Command(
        name = "info",
        header = "Tell about a volume, without its key.",
        description = {
            "",
            "Reads the metadata's head only. Without the key nothing of it can be verified: who can write to the store"
                    + " can make it say anything. 'check' with a key verifies.",
            ""
        },
        footer = {"", "Example:", "  blockseal info demo.bsl --json", ""})
public final class InfoCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        return new VerbRun(this, engine, volume).control(control).json(json).run(new InfoVerb(), new Arguments());
    }
}
