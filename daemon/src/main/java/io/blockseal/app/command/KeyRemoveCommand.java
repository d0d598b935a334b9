package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.KeyRemoveVerb;
import io.blockseal.control.Arguments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal key remove}: destroys one wrapped copy of the volume's key. */
@Command(
        name = "remove",
        header = "Remove a key slot from a volume.",
        description = {
            "",
            "Also while it is served. Old copies of the metadata, such as backups, still open by the removed" + " key.",
            ""
        },
        footer = {"", "Example:", "  blockseal key remove demo.bsl --slot 1 --key-file demo.key", ""})
public final class KeyRemoveCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--slot", required = true, paramLabel = "0-15", description = "Which slot to remove.")
    private int slot;

    @Option(
            names = "--force",
            description = "Remove it even if it is the last that opens the volume: all data is then lost.")
    private boolean force;

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
                        new KeyRemoveVerb(),
                        new Arguments().number(KeyRemoveVerb.SLOT, slot).flag(KeyRemoveVerb.FORCE, force));
    }
}
