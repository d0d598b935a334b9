package io.blockseal.app.command;

import io.blockseal.app.verb.KeyAddVerb;
import io.blockseal.control.Arguments;
import io.blockseal.format.KeySlotPriority;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal key add}: one more key that opens the volume. */
@Command(
        name = "add",
        header = "Add a key that opens a volume.",
        description = {"", "Needs a key that opens it already, and exactly one --new option.", ""},
        footer = {
            "",
            "Examples:",
            "  blockseal key add demo.bsl --key-file demo.key --new-passphrase",
            "  blockseal key add demo.bsl --key-file demo.key --new-key-file second.key --label laptop",
            "  blockseal key add demo.bsl --key-file demo.key --new-recovery-key",
            ""
        })
public final class KeyAddCommand extends Verb {
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

    @Option(names = "--label", paramLabel = "TEXT", description = "A name for the slot.")
    private @Nullable String label;

    @Option(
            names = "--priority",
            paramLabel = "WORD",
            converter = PriorityWord.class,
            description = "When the slot is tried, among the others: first, normal or on-request (default: normal, a"
                    + " recovery key on-request).")
    private @Nullable KeySlotPriority priority;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        newKey.requireOne();
        return new VerbRun(this, engine, volume)
                .control(control)
                .json(json)
                .keys(keys)
                .newKey(newKey)
                .run(
                        new KeyAddVerb(),
                        new Arguments()
                                .text(KeyAddVerb.LABEL, label)
                                .text(KeyAddVerb.PRIORITY, priority == null ? null : priority.word()));
    }
}
