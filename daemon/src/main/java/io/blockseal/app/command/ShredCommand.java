package io.blockseal.app.command;

import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeShredder;
import java.io.PrintWriter;
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
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(
            names = "--range",
            required = true,
            paramLabel = "A-B",
            description = "Shred the ranges from A to B, or one range.")
    private String range = "";

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        RangeOption wanted = RangeOption.parse("--range", range);
        int destroyed;
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper();
                Volume open = volume.open(foundation, volume.key(places, keys), keys, false, keeper)) {
            wanted.requireWithin(
                    "--range", volume.path().toString(), open.shape().rangeCount());
            destroyed = VolumeShredder.shred(open, wanted.first(), wanted.count());
        }
        PrintWriter out = out();
        if (json) {
            out.print(JsonText.of(document -> {
                document.writeStringField("volume", volume.path().toString());
                document.writeStringField("ranges", wanted.toString());
                document.writeNumberField("destroyedDeks", destroyed);
            }));
        } else {
            out.println(volume.path() + ": "
                    + (destroyed == 1 ? "1 DEK is" : destroyed + " DEKs are") + " destroyed; range " + wanted
                    + (wanted.count() == 1 ? " reads" : " read") + " as zeros.");
        }
        out.flush();
        return ExitCode.OK.number();
    }
}
