package io.blockseal.client;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdError;
import java.util.OptionalLong;

/** The server answered a request with an error. The connection goes on. */
public final class NbdCommandException extends NbdClientException {
    private static final long serialVersionUID = 1;
    private static final long NOWHERE = -1;

    private final NbdCommand command;
    private final NbdError error;
    private final String serverText;
    private final long errorOffset;

    private NbdCommandException(NbdCommand command, NbdError error, String serverText, long errorOffset, String at) {
        super(command + " failed: " + error + at + (serverText.isEmpty() ? "" : ": " + serverText), null);
        this.command = command;
        this.error = error;
        this.serverText = serverText;
        this.errorOffset = errorOffset;
    }

    /** An error for the whole request. */
    static NbdCommandException of(NbdCommand command, NbdError error, String serverText) {
        return new NbdCommandException(command, error, serverText, NOWHERE, "");
    }

    /** An error whose place the server told. */
    static NbdCommandException at(NbdCommand command, NbdError error, String serverText, long offset) {
        return new NbdCommandException(command, error, serverText, offset, " at offset " + offset);
    }

    /** What was asked for. */
    public NbdCommand command() {
        return command;
    }

    /** Why it failed. */
    public NbdError error() {
        return error;
    }

    /** The server's own words; often empty. */
    public String serverText() {
        return serverText;
    }

    /** Where in the export it failed, if the server told. */
    public OptionalLong errorOffset() {
        return errorOffset == NOWHERE ? OptionalLong.empty() : OptionalLong.of(errorOffset);
    }
}
