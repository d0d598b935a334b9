package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.RotateDekVerb;
import io.blockseal.config.Age;
import io.blockseal.control.Arguments;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal rotate-dek}: new DEKs for ranges, by enciphering what lies in them anew. */
@Command(
        name = "rotate-dek",
        header = "Give ranges new DEKs, and encipher what lies in them anew.",
        description = {
            "",
            "Copies each range to a spare slot under a new DEK, makes that its place in one step, and destroys the old"
                    + " DEK. A power cut leaves every range as it was or rotated, whole. Oldest DEKs first. Ranges"
                    + " without a DEK stay as they are.",
            "",
            "Guests may use the volume meanwhile: the daemon that serves it then does the work as a job, which goes on"
                    + " after Ctrl-C and after a restart of the daemon. See `blockseal job --help`.",
            "",
            "Name the ranges: --all, or one or more of --range, --older-than or --made-before, and --enciphered.",
            "",
            "A daemon that serves the volume needs no key; one that is named all the same has to open the volume.",
            "",
            "Without a daemon, Ctrl-C ends it in order: what is done stays done, and --made-before goes on with the rest. Copies of the"
                    + " metadata from before, such as header backups, still hold the old DEKs, wrapped.",
            "",
            "A daemon does this by itself for the keys that are beyond max-key-age and max-bytes-per-key of its"
                    + " configuration, at rotation-rate (defaults: off, off and 50MiB/s).",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal rotate-dek demo.bsl --key-file demo.key --all",
            "  blockseal rotate-dek demo.bsl --key-file demo.key --older-than 90d --rate 200MiB/s",
            "  blockseal rotate-dek demo.bsl --key-file demo.key --enciphered 1T",
            "  blockseal rotate-dek demo.bsl --key-file demo.key --range 3-9 --json",
            ""
        })
public final class RotateDekCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--all", description = "Every range that has a DEK.")
    private boolean all;

    @Option(
            names = "--range",
            paramLabel = "A-B",
            description = "The ranges from A to B, or one range; the first is 0. Those without a DEK stay as they are.")
    private @Nullable String range;

    @Option(
            names = "--older-than",
            paramLabel = "AGE",
            description = "Ranges whose DEK is at least that old: 90d, 12h, 30m.")
    private @Nullable String olderThan;

    @Option(
            names = "--made-before",
            paramLabel = "TIME",
            description = "Ranges whose DEK was made before that: a day such as 2026-11-26, at its beginning in UTC,"
                    + " or a moment such as 2026-11-26T01:00:00Z or 2026-11-26T02:00:00+01:00.")
    private @Nullable String madeBefore;

    @Option(
            names = "--enciphered",
            paramLabel = "SIZE",
            description =
                    "Ranges whose DEK has enciphered at least that much, such as 1T; with --older-than either will do.")
    private @Nullable String enciphered;

    @Option(
            names = "--rate",
            paramLabel = "SIZE/s",
            description = "Copy at most so much a second, such as 200MiB/s (default: as fast as it goes).")
    private @Nullable String rate;

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(
            names = "--detach",
            description = "If a daemon serves the volume: print the number of its job and leave it to that.")
    private boolean detach;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        Instant before = before();
        Arguments arguments = new Arguments();
        if (before != null) {
            arguments.text(
                    RotateDekVerb.MADE_BEFORE,
                    before.truncatedTo(ChronoUnit.SECONDS).toString());
        }
        if (range != null) {
            RangeOption.parse("--range", range).in(arguments);
        }
        if (enciphered != null) {
            arguments.number(RotateDekVerb.ENCIPHERED_MIN, Math.max(1, Sizes.parse("--enciphered", enciphered)));
        }
        if (rate != null) {
            arguments.number(RotateDekVerb.BYTES_PER_SECOND, Sizes.parseRate("--rate", rate));
        }
        return new VerbRun(this, engine, volume)
                .control(control)
                .detach(detach)
                .json(json)
                .keys(keys)
                .run(new RotateDekVerb(), arguments);
    }

    /** DEKs made before this are rotated; null for all that there are. */
    private @Nullable Instant before() throws CommandException {
        if (all == (range != null || olderThan != null || madeBefore != null || enciphered != null)) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "name the ranges to rotate: either --all, or --range, --older-than, --made-before or"
                            + " --enciphered.");
        }
        if (olderThan != null && madeBefore != null) {
            throw new CommandException(ExitCode.USAGE, "--older-than and --made-before say the same: name one.");
        }
        if (olderThan != null) {
            return RotateDekVerb.endOfSecond(Instant.now()).minus(age(olderThan));
        }
        if (madeBefore == null) {
            return null;
        }
        try {
            return Days.moment(madeBefore);
        } catch (DateTimeException wrong) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--made-before: '" + madeBefore
                            + "' is neither a day such as 2026-11-26 nor a time such as 2026-11-26T01:00:00Z.",
                    wrong);
        }
    }

    private static Duration age(String text) throws CommandException {
        try {
            return Age.parse(text);
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(ExitCode.USAGE, "--older-than: " + wrong.getMessage() + ".", wrong);
        }
    }
}
