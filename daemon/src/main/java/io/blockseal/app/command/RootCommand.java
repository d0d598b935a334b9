package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Version;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

/** {@code blockseal} itself: it only knows its verbs. */
@Command(
        name = "blockseal",
        header = "Encrypted volumes, served as disks over NBD.",
        description = "%nSizes are whole numbers of bytes, or of K, M, G, T (powers of 1024).%n",
        versionProvider = RootCommand.Versions.class,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:it failed; the message says why",
            "2:the command line is wrong",
            "3:wrong key or passphrase: it opens no key slot of the volume",
            "4:not a volume, a damaged one, or not the one that was expected",
            "5:in use: the volume is open elsewhere, or an address is taken",
            "6:the configuration file is wrong",
            "7:the key cannot be had: missing, readable by others, malformed, unreachable",
            "8:stopped, but the storage failed or did not answer: what was written last may be lost"
        },
        footer = {
            "",
            "Examples:",
            "  blockseal create demo.bsl --size 10G --key-file demo.key",
            "  blockseal serve demo.bsl --key-file demo.key --unix demo.sock",
            "  blockseal serve --help",
            ""
        })
public final class RootCommand extends Verb {
    @SuppressWarnings("unused") // The parser acts on it.
    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Show the version and exit.")
    private boolean version;

    @Override
    public Integer call() throws CommandException {
        throw new CommandException(ExitCode.USAGE, "no command is named.\n  Try: blockseal --help");
    }

    /** What {@code --version} prints. */
    public static final class Versions implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"blockseal " + Version.text()};
        }
    }
}
