package io.blockseal.app.command;

import io.blockseal.app.verb.ResizeVerb;
import io.blockseal.control.Arguments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal resize}: makes a volume larger while nobody serves it. */
@Command(
        name = "resize",
        header = "Make a volume larger.",
        description = {
            "",
            "Stop serving it first. The new part reads as zeros; grow the filesystem in it afterwards (resize2fs,"
                    + " xfs_growfs). A volume never shrinks.",
            ""
        },
        footer = {"", "Example:", "  blockseal resize demo.bsl --size 20G --key-file demo.key", ""})
public final class ResizeCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--size", required = true, paramLabel = "SIZE", description = "The new size, such as 20G.")
    private String size = "";

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        long newSize = Sizes.parse("--size", size);
        return new VerbRun(this, engine, volume)
                .control(control)
                .json(json)
                .keys(keys)
                .run(new ResizeVerb(), new Arguments().number(ResizeVerb.SIZE_BYTES, newSize));
    }
}
