package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.volume.Volume;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal key remove}: destroys one wrapped copy of the volume's key. */
@Command(
        name = "remove",
        header = "Remove a key slot from a volume.",
        description = {
            "",
            "Stop serving the volume first. Old copies of the metadata, such as backups, still open by the removed"
                    + " key.",
            ""
        },
        footer = {"", "Example:", "  blockseal key remove demo.bsl --slot 1 --key-file demo.key", ""})
public final class KeyRemoveCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--slot", required = true, paramLabel = "0-15", description = "Which slot to remove.")
    private int slot;

    @Option(
            names = "--force",
            description = "Remove it even if it is the last that opens the volume: all data is then lost.")
    private boolean force;

    @Override
    public Integer call() throws Exception {
        if (slot < 0 || slot > 15) {
            throw new CommandException(ExitCode.USAGE, "--slot " + slot + ": a volume has the key slots 0 to 15.");
        }
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper();
                Volume open = volume.open(foundation, volume.key(places, keys), keys, false, keeper)) {
            open.keySlots().remove(slot, force);
            out().println(volume.path() + ": key slot " + slot + " is gone.");
        }
        return ExitCode.OK.number();
    }
}
