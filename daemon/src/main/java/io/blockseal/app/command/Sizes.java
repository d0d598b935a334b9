package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
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

    /** Bytes a second, or a refusal that names the option. */
    static long parseRate(String option, String text) throws CommandException {
        try {
            return ByteSize.parseRate(text);
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(ExitCode.USAGE, option + ": " + wrong.getMessage() + ".", wrong);
        }
    }
}
