package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.TransferArguments;
import io.blockseal.control.Arguments;
import io.blockseal.transfer.TransferOptions;
import picocli.CommandLine.Option;

/** What {@code import} and {@code export} have in common: how to copy, and what to say of it. */
public final class TransferChoices {
    @Option(names = "--resume", description = "Go on where this copy was interrupted.")
    private boolean resume;

    @Option(names = "--force", description = "Write over what the target holds: that is then lost.")
    private boolean force;

    @Option(
            names = "--verify",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Read everything back and compare SHA-256 sums (the default); --no-verify is faster.")
    private boolean verify;

    @Option(names = "--json", description = "Print the outcome as JSON.")
    private boolean json;

    boolean resume() {
        return resume;
    }

    boolean force() {
        return force;
    }

    /** For the copy itself. */
    TransferOptions options() throws CommandException {
        if (resume && force) {
            throw new CommandException(
                    ExitCode.USAGE, "--resume goes on and --force starts over: name one of the two.");
        }
        return TransferOptions.DEFAULT.resuming(resume).forced(force).verifying(verify);
    }

    /** Whether to print JSON. */
    boolean json() {
        return json;
    }

    /** For a daemon that copies; {@code name} is which end is not the volume. */
    Arguments arguments(String name, String end, String format) throws CommandException {
        options();
        return new Arguments()
                .text(name, TransferArguments.absolute(end))
                .text(TransferArguments.PLACE, TransferArguments.place(end))
                .text(TransferArguments.OTHER_CALLED, end)
                .text(TransferArguments.FORMAT, format)
                .flag(TransferArguments.FORCE, force)
                .flag(TransferArguments.RESUME, resume)
                .flag(TransferArguments.NO_VERIFY, !verify);
    }
}
