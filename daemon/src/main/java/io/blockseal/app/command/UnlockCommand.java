package io.blockseal.app.command;

import io.blockseal.app.verb.UnlockVerb;
import io.blockseal.control.Arguments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal unlock}: brings the keys of a locked volume back. */
@Command(
        name = "unlock",
        header = "Bring the keys of a locked volume back.",
        description = {
            "",
            "Requests that waited go on as if nothing had been. A volume that waits for its key since the daemon was"
                    + " started, as its key source is away, is opened by this one and served.",
            ""
        },
        footer = {"", "Example:", "  blockseal unlock demo.bsl --key-file demo.key", ""})
public final class UnlockCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        return new VerbRun(this, engine, volume)
                .control(control)
                .json(json)
                .keys(keys)
                .run(new UnlockVerb(), new Arguments());
    }
}
