package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import picocli.CommandLine.Command;

/** {@code blockseal key}: the wrapped copies of a volume's key. */
@Command(
        name = "key",
        header = "Add, remove, order and list the keys that open a volume.",
        description = "%nA volume has 16 key slots; any one of them opens it.%n",
        subcommands = {KeyAddCommand.class, KeyRemoveCommand.class, KeyListCommand.class, KeyPriorityCommand.class},
        footer = {
            "",
            "Examples:",
            "  blockseal key add demo.bsl --key-file demo.key --new-passphrase",
            "  blockseal key list demo.bsl",
            "  blockseal key priority demo.bsl --slot 1 --priority first --key-file demo.key",
            "  blockseal key remove demo.bsl --slot 1 --key-file demo.key",
            ""
        })
public final class KeyCommand extends Verb {
    @Override
    public Integer call() throws CommandException {
        throw new CommandException(
                ExitCode.USAGE, "key what? add, remove, list or priority.\n  Try: blockseal key --help");
    }
}
