package io.blockseal.app.command;

import io.blockseal.app.verb.KeyListVerb;
import io.blockseal.control.Arguments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal key list}: without a key, also while the volume is served. */
@Command(
        name = "list",
        header = "List the key slots of a volume.",
        footer = {"", "Example:", "  blockseal key list demo.bsl --json", ""})
public final class KeyListCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        return new VerbRun(this, engine, volume).control(control).json(json).run(new KeyListVerb(), new Arguments());
    }
}
