package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import picocli.CommandLine.Command;

/** {@code blockseal header}: copies of a volume's metadata, for the day on which the volume's own are gone. */
@Command(
        name = "header",
        header = "Back up the metadata of a volume, and restore it.",
        description = {
            "",
            "Without its metadata a volume is noise. A header backup is all of it in one small file: the root, the key"
                    + " slots, the wrapped key of every range. It holds no key in the clear; whoever has it and a key"
                    + " that opened the volume on that day can read the data as of then.",
            ""
        },
        subcommands = {HeaderBackupCommand.class, HeaderRestoreCommand.class},
        footer = {"", "Examples:", "  blockseal header backup demo.bsl demo.header --key-file demo.key", ""})
public final class HeaderCommand extends Verb {
    @Override
    public Integer call() throws CommandException {
        throw new CommandException(ExitCode.USAGE, "header what? backup or restore.\n  Try: blockseal header --help");
    }
}
