package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.config.ByteSize;

/** Sizes given as options. */
final class Sizes {
    private Sizes() {}

    /** Bytes, or a refusal that names the option. */
    static long parse(String option, String text) throws CommandException {
        try {
            return ByteSize.parse(text);
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(ExitCode.USAGE, option + ": " + wrong.getMessage() + ".", wrong);
        }
    }

    /** Bytes a second: a size, and {@code /s} behind it for who likes that. At least one. */
    static long parseRate(String option, String text) throws CommandException {
        long rate = parse(option, text.endsWith("/s") ? text.substring(0, text.length() - 2) : text);
        if (rate == 0) {
            throw new CommandException(ExitCode.USAGE, option + ": nothing would ever be done at '" + text + "'.");
        }
        return rate;
    }
}
