package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import picocli.CommandLine.Command;

/** {@code blockseal audit}: what was done with keys, and whether the log of it is as it was written. */
@Command(
        name = "audit",
        header = "Check the audit log.",
        subcommands = {AuditVerifyCommand.class},
        footer = {"", "Examples:", "  blockseal audit verify /var/log/blockseal/audit.log", ""})
public final class AuditCommand extends Verb {
    @Override
    public Integer call() throws CommandException {
        throw new CommandException(ExitCode.USAGE, "audit what? verify.\n  Try: blockseal audit --help");
    }
}
