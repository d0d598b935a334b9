package io.blockseal.app;

import io.blockseal.audit.AuditSink;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/**
 * The system's log: one datagram a line to {@code /dev/log}, where journald or a syslog daemon listens, in the form that
 * the C library's {@code syslog} has there. Facility {@code authpriv}, which systems keep from other users, severity
 * {@code notice}. The time is the receiver's. A receiver that restarts is found again with the next line; one that reads
 * nothing for a moment is waited for, but not for long.
 */
final class SyslogSocket implements AuditSink {
    private static final int AUTHPRIV = 10;
    private static final int NOTICE = 5;
    private static final int ATTEMPTS = 20;
    private static final long PAUSE_NANOS = 5_000_000;

    private final Path path;
    private final byte[] address;
    private final String head;
    private final Socket socket;

    private SyslogSocket(Path path, Socket socket) {
        this.path = path;
        this.address = path.toString().getBytes(StandardCharsets.UTF_8);
        this.head = "<" + (AUTHPRIV * 8 + NOTICE) + ">blockseal["
                + ProcessHandle.current().pid() + "]: ";
        this.socket = socket;
    }

    /** To the socket at that path, which need not be there yet. */
    static SyslogSocket open(Path path) throws CommandException {
        if (!Epoll.isAvailable()) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    "--audit-syslog needs Netty's native code for Linux, which cannot be loaded here");
        }
        return new SyslogSocket(path, Socket.newSocketDomainDgram());
    }

    @Override
    public void send(String line) throws IOException {
        byte[] bytes = (head + line).getBytes(StandardCharsets.UTF_8);
        ByteBuffer datagram = ByteBuffer.allocateDirect(bytes.length).put(bytes);
        for (int i = 0; i < ATTEMPTS; i++) {
            try {
                // Nothing is sent of a line for which there is no room just now.
                if (socket.sendToDomainSocket(datagram, 0, bytes.length, address) > 0) {
                    return;
                }
            } catch (IOException refused) {
                throw new IOException("syslog socket " + path + ": " + refused.getMessage(), refused);
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        throw new IOException("syslog socket " + path + ": whoever listens there reads nothing");
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
