package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.NewKey;
import io.blockseal.app.verb.KeySlotText;
import io.blockseal.keysource.KeySource;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.KeySlots;
import io.blockseal.volume.Volume;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal rotate-kek}: another key in the place of one that opens the volume, without touching data. */
@Command(
        name = "rotate-kek",
        header = "Replace a key that opens a volume by another, or by its newest version.",
        description = {
            "",
            "Wraps the volume key anew, in one step that a power cut does not split: the old key opens the volume, or"
                    + " the new one. No data is read or written. Name the new key with one --new option; without one,"
                    + " the newest version of the same key is taken, where its source has versions. The new key is"
                    + " tried before anything is written. Stop serving the volume first.",
            "",
            "Copies of the metadata from before, such as header backups, still open by the old key until it is destroyed"
                    + " at its source. If the volume key itself may be known to somebody, see rotate-volume-key.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal rotate-kek demo.bsl --key-file demo.key --new-key-file next.key",
            "  blockseal rotate-kek demo.bsl --passphrase --new-passphrase",
            "  blockseal rotate-kek demo.bsl --key-file demo.key --slot 1 --new-recovery-key",
            ""
        })
public final class RotateKekCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Mixin
    private final NewKeyOptions newKey = new NewKeyOptions();

    @Option(
            names = "--slot",
            paramLabel = "0-15",
            description = "Replace the key of this slot (default: of the one that opens the volume).")
    private int slot = KeySlots.WHICHEVER_OPENS;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (slot < KeySlots.WHICHEVER_OPENS || slot > 15) {
            throw new CommandException(ExitCode.USAGE, "--slot " + slot + ": a volume has the key slots 0 to 15.");
        }
        if (newKey.given()) {
            newKey.requireOne();
        }
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper()) {
            KeySource opening = volume.key(places, keys);
            try (Volume open = volume.open(foundation, opening, keys, false, keeper)) {
                NewKey made = newKey.given()
                        ? newKey.make(places, volume.path())
                        : new NewKey(opening, "newest version of " + opening.reference(), null);
                int rotated;
                try {
                    rotated = open.keySlots().rewrap(slot, List.of(opening), made.source());
                } catch (Exception failed) {
                    made.discard();
                    throw failed;
                }
                tell(open, rotated, made);
            }
        }
        return ExitCode.OK.number();
    }

    private void tell(Volume open, int rotated, NewKey made) throws Exception {
        PrintWriter out = out();
        if (!json) {
            out.println(volume.path() + ": key slot " + rotated + " is now: " + made.description());
            NewKeyOptions.showOnce(made, out);
            return;
        }
        List<KeySlotInfo> slots = open.keySlots().list();
        out.print(JsonText.of(document -> {
            document.writeStringField("volume", volume.path().toString());
            document.writeNumberField("slot", rotated);
            KeySlotText.write(document, slots);
        }));
        out.flush();
        if (made.mustBeShown()) {
            // On standard error: whatever reads the document must not have to pick a secret out of it.
            NewKeyOptions.showOnce(made, err());
        }
    }
}
