package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Terminal;
import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.SecretInput;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where the passphrase of an encrypted image comes from that is to be imported. */
public final class SourcePassphrase {
    @Option(names = "--source-passphrase", description = "Ask for the passphrase of the source on the terminal.")
    private boolean ask;

    @Option(
            names = "--source-passphrase-file",
            paramLabel = "FILE",
            description = "Passphrase of the source: the first line of FILE.")
    private @Nullable Path file;

    @Option(
            names = "--source-passphrase-fd",
            paramLabel = "N",
            description = "Passphrase of the source: the first line from the open file descriptor N.")
    private int descriptor = -1;

    /** The one that was named, or null. */
    @Nullable
    SecretInput input() throws CommandException {
        if ((ask ? 1 : 0) + (file == null ? 0 : 1) + (descriptor < 0 ? 0 : 1) > 1) {
            throw new CommandException(ExitCode.USAGE, "the source has one passphrase: name one place for it.");
        }
        if (file != null) {
            return FirstLine.ofSecretFile(file, "passphrase file");
        }
        if (descriptor >= 0) {
            return FirstLine.ofDescriptor(descriptor);
        }
        return ask ? SourcePassphrase::typed : null;
    }

    private static byte[] typed() throws KeySourceException {
        byte[] typed = Terminal.canAsk() ? Terminal.askPassphrase("Passphrase of the source") : null;
        if (typed == null) {
            throw new KeySourceException(
                    KeySourceException.Kind.UNREACHABLE,
                    "there is no terminal to ask for a passphrase; use --source-passphrase-file or"
                            + " --source-passphrase-fd");
        }
        return typed;
    }
}
