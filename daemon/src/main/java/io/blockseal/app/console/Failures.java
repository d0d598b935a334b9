package io.blockseal.app.console;

import io.blockseal.config.ConfigException;
import io.blockseal.control.ArgumentException;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.JobRefusedException;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreInUseException;
import io.blockseal.transfer.TransferException;
import io.blockseal.volume.VolumeRefusedException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.nio.file.FileSystemException;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * From whatever went wrong to an exit code and a message for the person at the terminal. The one place that decides it;
 * a stack trace is shown only with {@code --debug}.
 */
public final class Failures {
    private static final String PREFIX = "blockseal: ";

    private Failures() {}

    /** Tells about a command that failed. */
    public static int report(Exception failure, CommandLine line, ParseResult parsed) {
        PrintWriter err = line.getErr();
        err.println(PREFIX + message(failure));
        if (debug(parsed)) {
            failure.printStackTrace(err);
        }
        err.flush();
        return exitCode(failure).number();
    }

    /** Tells about a command line that makes no sense. */
    public static int reportUsage(ParameterException failure, String[] arguments) {
        CommandLine line = failure.getCommandLine();
        PrintWriter err = line.getErr();
        err.println(PREFIX + (unknownCommand(failure) ? "there is no such command" : failure.getMessage()));
        UnmatchedArgumentException.printSuggestions(failure, err);
        err.println("Try: " + line.getCommandSpec().qualifiedName() + " --help");
        err.flush();
        return ExitCode.USAGE.number();
    }

    private static boolean unknownCommand(ParameterException failure) {
        return failure instanceof UnmatchedArgumentException unmatched
                && !unmatched.isUnknownOption()
                && !failure.getCommandLine().getSubcommands().isEmpty();
    }

    /** How the process ends. */
    public static ExitCode exitCode(Throwable failure) {
        if (failure instanceof CommandException told) {
            return told.exitCode();
        }
        if (failure instanceof ConfigException) {
            return ExitCode.CONFIG;
        }
        if (failure instanceof WrongKeyException) {
            return ExitCode.WRONG_KEY;
        }
        if (failure instanceof KeySourceException) {
            return ExitCode.KEY_SOURCE;
        }
        if (failure instanceof MalformedVolumeException) {
            return ExitCode.DAMAGED;
        }
        if (failure instanceof ArgumentException) {
            return ExitCode.USAGE;
        }
        if (failure instanceof JobRefusedException refused) {
            return refused.reason() == JobRefusedException.Reason.CONFLICT ? ExitCode.IN_USE : ExitCode.FAILURE;
        }
        if (failure instanceof StoreInUseException || failure.getCause() instanceof BindException) {
            return ExitCode.IN_USE;
        }
        if (failure instanceof VolumeRefusedException refused) {
            return switch (refused.reason()) {
                case IDENTITY, ROLLBACK, UNFINISHED_COMMIT, SLOT_CONFLICT -> ExitCode.DAMAGED;
                case UNSUITABLE -> ExitCode.USAGE;
                case UNKNOWN_FEATURE, NOT_EMPTY, DATA_LOSS, LAST_KEY_SLOT, NOT_WRITABLE -> ExitCode.FAILURE;
            };
        }
        return ExitCode.FAILURE;
    }

    /** What to say: our own exceptions speak for themselves, the others get a name. */
    public static String message(Throwable failure) {
        if (failure instanceof UncheckedIOException wrapped && wrapped.getCause() != null) {
            return failure.getMessage() + ": " + FileTrouble.words(wrapped.getCause());
        }
        if (failure instanceof FileSystemException refused) {
            return refused.getFile() + ": " + FileTrouble.words(refused);
        }
        boolean ours = failure instanceof CommandException
                || failure instanceof ConfigException
                || failure instanceof WrongKeyException
                || failure instanceof KeySourceException
                || failure instanceof MalformedVolumeException
                || failure instanceof StoreException
                || failure instanceof VolumeRefusedException
                || failure instanceof TransferException
                || failure instanceof ArgumentException
                || failure instanceof JobRefusedException
                || failure instanceof JobCanceledException
                || failure instanceof IOException;
        if (ours && failure.getMessage() != null) {
            return failure.getMessage();
        }
        return "internal error: " + failure + "\n  This is a defect of Blockseal; --debug shows where it is.";
    }

    /** The same for whoever asked a daemon: the words, and JSON with the field {@code error}. */
    public static JobOutcome outcome(Throwable failure) {
        int exitCode = exitCode(failure).number();
        String words = message(failure);
        return new JobOutcome(exitCode, words + "\n", JsonText.of(document -> {
            document.writeStringField("error", words);
            document.writeNumberField("exitCode", exitCode);
        }));
    }

    private static boolean debug(ParseResult parsed) {
        for (ParseResult each = parsed; each != null; each = each.hasSubcommand() ? each.subcommand() : null) {
            if (each.hasMatchedOption("--debug")) {
                return true;
            }
        }
        return false;
    }
}
