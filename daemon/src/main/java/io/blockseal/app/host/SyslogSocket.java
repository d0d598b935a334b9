package io.blockseal.app.host;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.audit.AuditSink;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * The system's log: one datagram a line to {@code /dev/log}, where journald or a syslog daemon listens, in the form that
 * the C library's {@code syslog} has there. Facility {@code authpriv}, which systems keep from other users, severity
 * {@code notice}. The time is the receiver's. A receiver that restarts is found again with the next line.
 */
public final class SyslogSocket implements AuditSink {
    private static final int AUTHPRIV = 10;
    private static final int NOTICE = 5;

    private final Path path;
    private final String head;
    private final LocalDatagrams datagrams;

    private SyslogSocket(Path path, LocalDatagrams datagrams) {
        this.path = path;
        this.head = "<" + (AUTHPRIV * 8 + NOTICE) + ">blockseal["
                + ProcessHandle.current().pid() + "]: ";
        this.datagrams = datagrams;
    }

    /** To the socket at that path, which need not be there yet. */
    public static SyslogSocket open(Path path) throws CommandException {
        if (!LocalDatagrams.possible()) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    "--audit-syslog needs Netty's native code for Linux, which cannot be loaded here");
        }
        return new SyslogSocket(path, LocalDatagrams.to(path.toString()));
    }

    @Override
    public void send(String line) throws IOException {
        try {
            datagrams.send((head + line).getBytes(StandardCharsets.UTF_8));
        } catch (IOException refused) {
            throw new IOException("syslog socket " + path + ": " + refused.getMessage(), refused);
        }
    }

    @Override
    public void close() throws IOException {
        datagrams.close();
    }
}
