package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.RotateKekVerb;
import io.blockseal.control.Arguments;
import io.blockseal.volume.KeySlots;
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
                    + " tried before anything is written. Guests may use the volume meanwhile; a configuration that"
                    + " names the old key is changed by hand.",
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
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

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
        Arguments arguments = new Arguments();
        if (slot != KeySlots.WHICHEVER_OPENS) {
            arguments.number(RotateKekVerb.SLOT, slot);
        }
        return new VerbRun(this, engine, volume)
                .control(control)
                .json(json)
                .keys(keys)
                .newKey(newKey)
                .run(new RotateKekVerb(), arguments);
    }
}
