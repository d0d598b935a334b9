package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.RangeArgument;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Ranges as operators write them: {@code 7}, or {@code 3-9}, both ends in it. */
final class RangeOption {
    /** A volume has less than ten digits of them. */
    private static final Pattern RANGES = Pattern.compile("([0-9]{1,9})(?:-([0-9]{1,9}))?");

    private RangeOption() {}

    static RangeArgument parse(String option, String text) throws CommandException {
        Matcher matcher = RANGES.matcher(text);
        if (!matcher.matches()) {
            throw new CommandException(
                    ExitCode.USAGE, option + ": '" + text + "' names no ranges: one number, or two such as 3-9.");
        }
        long first = Long.parseLong(matcher.group(1));
        long last = matcher.group(2) == null ? first : Long.parseLong(matcher.group(2));
        if (last < first) {
            throw new CommandException(ExitCode.USAGE, option + ": '" + text + "' ends before it begins.");
        }
        return new RangeArgument(first, last);
    }
}
