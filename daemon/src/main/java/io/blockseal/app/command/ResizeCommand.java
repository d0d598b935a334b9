package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.config.ByteSize;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeResizer;
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
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--size", required = true, paramLabel = "SIZE", description = "The new size, such as 20G.")
    private String size = "";

    @Override
    public Integer call() throws Exception {
        long newSize = Sizes.parse("--size", size);
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper();
                Volume open = volume.open(foundation, volume.key(places, keys), keys, false, keeper)) {
            long oldSize = open.shape().sizeBytes();
            if (newSize < oldSize) {
                throw new CommandException(
                        ExitCode.USAGE,
                        "--size " + size + ": " + volume.path() + " has " + ByteSize.human(oldSize)
                                + " already; a volume never shrinks.");
            }
            VolumeResizer.grow(open, newSize);
            out().println(volume.path() + ": " + ByteSize.human(oldSize) + " -> " + ByteSize.human(newSize)
                    + ". Serve it again, then grow the filesystem in it.");
        }
        return ExitCode.OK.number();
    }
}
