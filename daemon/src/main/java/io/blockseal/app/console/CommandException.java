package io.blockseal.app.console;

import org.jspecify.annotations.Nullable;

/** A command cannot go on; the message is for the person who gave it, and says what to do. */
public final class CommandException extends Exception {
    private final ExitCode exitCode;

    /** Ends with {@code exitCode}. */
    public CommandException(ExitCode exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    /** Likewise, keeping the cause for DEBUG logs. */
    public CommandException(ExitCode exitCode, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    /** How the process ends. */
    public ExitCode exitCode() {
        return exitCode;
    }
}
