package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.ForegroundJob;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.Terminal;
import io.blockseal.config.ByteSize;
import io.blockseal.job.JobCanceledException;
import io.blockseal.memory.Memory;
import io.blockseal.rotation.DekRotation;
import io.blockseal.rotation.RangeSelection;
import io.blockseal.rotation.RateLimit;
import io.blockseal.volume.Volume;
import io.blockseal.volume.WrittenChunks;
import java.io.PrintWriter;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
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
            "Ctrl-C ends it in order: what is done stays done, and --made-before goes on with the rest. Copies of the"
                    + " metadata from before, such as header backups, still hold the old DEKs, wrapped.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal rotate-dek demo.bsl --key-file demo.key --all",
            "  blockseal rotate-dek demo.bsl --key-file demo.key --older-than 90d --rate 200MiB/s",
            "  blockseal rotate-dek demo.bsl --key-file demo.key --range 3-9 --json",
            ""
        })
public final class RotateDekCommand extends Verb {
    private static final double NANOS_PER_SECOND = 1e9;

    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--all", description = "Every range that has a DEK.")
    private boolean all;

    @Option(names = "--range", paramLabel = "A-B", description = "The ranges from A to B, or one range.")
    private @Nullable String range;

    @Option(
            names = "--older-than",
            paramLabel = "AGE",
            description = "Ranges whose DEK is at least that old: 90d, 12h, 30m.")
    private @Nullable String olderThan;

    @Option(
            names = "--made-before",
            paramLabel = "TIME",
            description = "Ranges whose DEK was made before that, such as 2026-11-26T01:00:00Z.")
    private @Nullable String madeBefore;

    @Option(
            names = "--rate",
            paramLabel = "SIZE/s",
            description = "Copy at most so much a second, such as 200MiB/s (default: as fast as it goes).")
    private @Nullable String rate;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        Instant now = Instant.now();
        Instant before = before(now);
        RangeOption wanted = range == null ? null : RangeOption.parse("--range", range);
        long bytesPerSecond = rate == null ? Long.MAX_VALUE : Sizes.parseRate("--rate", rate);
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper();
                Volume open = volume.open(foundation, volume.key(places, keys), keys, false, keeper)) {
            long rangeCount = open.shape().rangeCount();
            if (wanted != null) {
                wanted.requireWithin("--range", volume.path().toString(), rangeCount);
            }
            RangeSelection selection = wanted == null
                    ? new RangeSelection(0, rangeCount - 1, before)
                    : new RangeSelection(wanted.first(), wanted.last(), before);
            Memory chunk = foundation.memory().map(WrittenChunks.CHUNK_BYTES);
            long begun = System.nanoTime();
            DekRotation rotation = new DekRotation(open, chunk, new RateLimit(bytesPerSecond, System::nanoTime));
            try (ForegroundJob job = ForegroundJob.begin(err(), Terminal.isError(), "Rotating " + volume.path())) {
                rotation.run(selection, job);
            } catch (JobCanceledException interrupted) {
                throw new CommandException(
                        ExitCode.FAILURE,
                        volume.path() + ": interrupted; "
                                + ranges(rotation.outcome().rotatedRanges())
                                + " a new DEK and " + "the rest their old one. To go on with those: --made-before "
                                + before.truncatedTo(ChronoUnit.SECONDS),
                        interrupted);
            }
            tell(rotation.outcome(), System.nanoTime() - begun);
        }
        return ExitCode.OK.number();
    }

    /** DEKs made before this are rotated. The table counts seconds, so what was made within this one is meant, too. */
    private Instant before(Instant now) throws CommandException {
        if (all == (range != null || olderThan != null || madeBefore != null)) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "name the ranges to rotate: either --all, or --range, --older-than or --made-before.");
        }
        if (olderThan != null && madeBefore != null) {
            throw new CommandException(ExitCode.USAGE, "--older-than and --made-before say the same: name one.");
        }
        if (olderThan != null) {
            return now.plusSeconds(1).minus(age(olderThan));
        }
        if (madeBefore == null) {
            return now.plusSeconds(1);
        }
        try {
            return Instant.parse(madeBefore);
        } catch (DateTimeException wrong) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--made-before: '" + madeBefore + "' is not a time such as 2026-11-26T01:00:00Z.",
                    wrong);
        }
    }

    private static Duration age(String text) throws CommandException {
        int end = text.length() - 1;
        try {
            long number = Long.parseLong(text, 0, Math.max(0, end), 10);
            ChronoUnit unit =
                    switch (text.charAt(end)) {
                        case 'd' -> ChronoUnit.DAYS;
                        case 'h' -> ChronoUnit.HOURS;
                        case 'm' -> ChronoUnit.MINUTES;
                        default -> throw new NumberFormatException("no unit");
                    };
            if (number >= 0) {
                return Duration.of(number, unit);
            }
        } catch (NumberFormatException | IndexOutOfBoundsException | ArithmeticException wrong) {
            throw new CommandException(ExitCode.USAGE, noAge(text), wrong);
        }
        throw new CommandException(ExitCode.USAGE, noAge(text));
    }

    private static String noAge(String text) {
        return "--older-than: '" + text + "' is not an age: a number of days, hours or minutes, such as 90d, 12h, 30m.";
    }

    private void tell(DekRotation.Outcome outcome, long nanos) {
        PrintWriter out = out();
        if (json) {
            out.print(JsonText.of(document -> {
                document.writeStringField("volume", volume.path().toString());
                document.writeNumberField("rotatedRanges", outcome.rotatedRanges());
                document.writeNumberField("copiedBytes", outcome.copiedBytes());
                document.writeNumberField("seconds", nanos / NANOS_PER_SECOND);
            }));
        } else {
            out.printf(
                    Locale.ROOT,
                    "%s: %s a new DEK (%s copied in %.1f s)%n",
                    volume.path(),
                    ranges(outcome.rotatedRanges()),
                    ByteSize.human(outcome.copiedBytes()),
                    nanos / NANOS_PER_SECOND);
        }
        out.flush();
    }

    private static String ranges(long count) {
        return count == 0 ? "no range has" : count == 1 ? "1 range has" : count + " ranges have";
    }
}
