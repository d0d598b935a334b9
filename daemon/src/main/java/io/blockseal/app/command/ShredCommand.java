package io.blockseal.app.command;

import io.blockseal.app.verb.RangeArgument;
import io.blockseal.app.verb.ShredVerb;
import io.blockseal.control.Arguments;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal shred}: destroys the DEKs of ranges, and with them what lies there. */
@Command(
        name = "shred",
        header = "Destroy the DEKs of ranges, and with them what is stored there.",
        description = {
            "",
            "The ranges read as zeros from then on, and get new DEKs when they are written to. There is no way back:"
                    + " only a copy of the metadata from before, such as a header backup, still holds the old DEKs,"
                    + " and old ciphertext is noise without them. Ranges without a DEK stay as they are.",
            "",
            "Range N holds the bytes from N times the range size on; info prints that size.",
            "",
            "A daemon that serves the volume needs no key; one that is named all the same has to open the volume.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal shred demo.bsl --range 3-9 --key-file demo.key",
            "  blockseal shred demo.bsl --range 7 --key-file demo.key --json",
            ""
        })
public final class ShredCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(
            names = "--range",
            required = true,
            paramLabel = "A-B",
            description = "Shred the ranges from A to B, or one range; the first is 0.")
    private String range = "";

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        RangeArgument wanted = RangeOption.parse("--range", range);
        return new VerbRun(this, engine, volume)
                .control(control)
                .json(json)
                .keys(keys)
                .run(new ShredVerb(), wanted.in(new Arguments()));
    }
}
