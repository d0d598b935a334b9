package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import org.jspecify.annotations.Nullable;

/**
 * Ranges that a verb is to touch, both ends among them.
 *
 * @param first the first range
 * @param last the last range
 */
public record RangeArgument(long first, long last) {
    private static final String FIRST = "firstRange";
    private static final String LAST = "lastRange";
    private static final long RANGES_MAX = 999_999_999;

    /** Among the arguments of a verb. */
    public Arguments in(Arguments arguments) {
        return arguments.number(FIRST, first).number(LAST, last);
    }

    /** Those that a call names, or null if it names none. */
    static @Nullable RangeArgument of(Arguments arguments) throws ArgumentException {
        long first = arguments.number(FIRST, -1, -1, RANGES_MAX);
        long last = arguments.number(LAST, first, -1, RANGES_MAX);
        if (first < 0 && last < 0) {
            return null;
        }
        if (first < 0 || last < first) {
            throw new ArgumentException("'" + FIRST + "' and '" + LAST + "' name no ranges: " + first + " to " + last);
        }
        return new RangeArgument(first, last);
    }

    /** Those that a call must name. */
    static RangeArgument require(Arguments arguments) throws ArgumentException {
        RangeArgument named = of(arguments);
        if (named == null) {
            throw new ArgumentException("'" + FIRST + "' is missing: which range?");
        }
        return named;
    }

    /** Refuses ranges that the volume does not have. */
    void requireWithin(String volume, long rangeCount) throws CommandException {
        if (last >= rangeCount) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--range " + this + ": " + volume + " has the ranges 0 to " + (rangeCount - 1) + ".");
        }
    }

    long count() {
        return last - first + 1;
    }

    @Override
    public String toString() {
        return first == last ? Long.toString(first) : first + "-" + last;
    }
}
