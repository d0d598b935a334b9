package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.config.ByteSize;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobOutcome;
import io.blockseal.rotation.DekRotation;
import io.blockseal.rotation.RangeSelection;
import io.blockseal.rotation.RateLimit;
import io.blockseal.volume.WrittenChunks;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Set;

/** {@code rotate-dek}: new DEKs for ranges, by enciphering what lies in them anew. */
public final class RotateDekVerb implements ResumableVerb {
    /** DEKs made before this instant are replaced; now, if neither this nor {@link #ENCIPHERED_MIN} is named. */
    public static final String MADE_BEFORE = "madeBefore";
    /** DEKs that have enciphered so many bytes are replaced as well, however young. */
    public static final String ENCIPHERED_MIN = "encipheredMin";
    /** How many bytes to copy in a second at most; as many as possible, if it is not named. */
    public static final String BYTES_PER_SECOND = "bytesPerSecond";
    /** Ranges are changed by one at a time. */
    static final String RANGES_CLAIM = "ranges";

    private static final double NANOS_PER_SECOND = 1e9;

    private final InstantSource clock;

    /** By the system's clock. */
    public RotateDekVerb() {
        this(InstantSource.system());
    }

    RotateDekVerb(InstantSource clock) {
        this.clock = clock;
    }

    @Override
    public String name() {
        return "rotate-dek";
    }

    @Override
    public Needs needs() {
        return Needs.WRITE;
    }

    @Override
    public Set<String> claims() {
        return Set.of(RANGES_CLAIM);
    }

    /** What is meant by now must not move when the job goes on after a restart. */
    @Override
    public String toJson(Arguments given) {
        try {
            if (given.text(MADE_BEFORE) == null && enciphered(given) == RangeSelection.ANY_AMOUNT) {
                given.text(MADE_BEFORE, now().toString());
            }
        } catch (ArgumentException wrong) {
            // It is refused when it is asked for.
            return given.json();
        }
        return given.json();
    }

    private Instant now() {
        return endOfSecond(clock.instant());
    }

    /** The table counts seconds, so what was made within this one is meant, too. */
    public static Instant endOfSecond(Instant instant) {
        return instant.truncatedTo(ChronoUnit.SECONDS).plusSeconds(1);
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        RangeArgument wanted = RangeArgument.of(call.arguments());
        long encipheredMin = enciphered(call.arguments());
        Instant before = before(call.arguments(), encipheredMin);
        long bytesPerSecond = call.arguments().number(BYTES_PER_SECOND, Long.MAX_VALUE, 1, Long.MAX_VALUE);
        call.requireAllKnown();
        long rangeCount = call.volume().shape().rangeCount();
        if (wanted != null) {
            wanted.requireWithin(call.called(), rangeCount);
        }
        RangeSelection selection = wanted == null
                ? new RangeSelection(0, rangeCount - 1, before, encipheredMin)
                : new RangeSelection(wanted.first(), wanted.last(), before, encipheredMin);
        call.requireNamedKeyOpens();
        long begun = System.nanoTime();
        DekRotation rotation = new DekRotation(
                call.volume(),
                call.memory().map(WrittenChunks.CHUNK_BYTES),
                new RateLimit(bytesPerSecond, System::nanoTime));
        try {
            rotation.run(selection, call.control());
        } catch (JobCanceledException interrupted) {
            throw new JobCanceledException(call.called() + ": interrupted; "
                    + ranges(rotation.outcome().rotatedRanges())
                    + " a new DEK and the rest their old one. " + howToGoOn(before, encipheredMin));
        }
        return outcome(call, rotation.outcome(), (System.nanoTime() - begun) / NANOS_PER_SECOND);
    }

    private static String howToGoOn(Instant before, long encipheredMin) {
        String age =
                before.equals(RangeSelection.ANY_AGE) ? "" : " --made-before " + before.truncatedTo(ChronoUnit.SECONDS);
        String amount =
                encipheredMin == RangeSelection.ANY_AMOUNT ? "" : " --enciphered " + ByteSize.exact(encipheredMin);
        return "To go on with those:" + age + amount;
    }

    private static long enciphered(Arguments arguments) throws ArgumentException {
        return arguments.number(ENCIPHERED_MIN, RangeSelection.ANY_AMOUNT, 1, Long.MAX_VALUE);
    }

    private Instant before(Arguments arguments, long encipheredMin) throws ArgumentException {
        String text = arguments.text(MADE_BEFORE);
        if (text == null) {
            return encipheredMin == RangeSelection.ANY_AMOUNT ? now() : RangeSelection.ANY_AGE;
        }
        try {
            return Instant.parse(text);
        } catch (DateTimeException wrong) {
            throw new ArgumentException("'" + MADE_BEFORE + "' is not a time such as 2026-11-26T01:00:00Z");
        }
    }

    private static JobOutcome outcome(VerbCall call, DekRotation.Outcome outcome, double seconds) {
        return JobOutcome.done(
                outcome.rotatedRanges() == 0
                        ? call.called() + ": nothing was due, no range has a new DEK.\n"
                        : String.format(
                                Locale.ROOT,
                                "%s: %s a new DEK (%s copied in %.1f s)%n",
                                call.called(),
                                ranges(outcome.rotatedRanges()),
                                ByteSize.human(outcome.copiedBytes()),
                                seconds),
                JsonText.of(document -> {
                    document.writeStringField("volume", call.called());
                    document.writeNumberField("rotatedRanges", outcome.rotatedRanges());
                    document.writeNumberField("copiedBytes", outcome.copiedBytes());
                    document.writeNumberField("seconds", seconds);
                }));
    }

    private static String ranges(long count) {
        return count == 0 ? "no range has" : count == 1 ? "1 range has" : count + " ranges have";
    }
}
