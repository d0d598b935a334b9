package io.blockseal.app.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.control.ControlClient;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An order to a job reaches the daemon whose job is meant, or none. */
@Timeout(60)
class ControlOptionsTest {
    @TempDir
    private Path folder;

    private final List<ServerSocketChannel> servers = new ArrayList<>();

    @AfterEach
    void stop() throws IOException {
        for (ServerSocketChannel each : servers) {
            each.close();
        }
    }

    /** A daemon that says the same to whatever it is asked. */
    private ControlClient daemon(int status, String body) throws IOException {
        Path socket = folder.resolve(servers.size() + ".sock");
        ServerSocketChannel server =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(socket));
        servers.add(server);
        Thread thread = new Thread(() -> {
            try {
                while (true) {
                    try (SocketChannel client = server.accept()) {
                        // The head comes in one piece.
                        client.read(ByteBuffer.allocate(4096));
                        client.write(
                                ByteBuffer.wrap(("HTTP/1.1 " + status + " X\r\nblockseal-exit-code: 0\r\n\r\n" + body)
                                        .getBytes(StandardCharsets.UTF_8)));
                    }
                }
            } catch (IOException closed) {
                // The test has ended.
            }
        });
        thread.setDaemon(true);
        thread.start();
        return new ControlClient(socket);
    }

    private ControlClient job(String volume, boolean ended) throws IOException {
        return daemon(
                200,
                "{\"id\": 7, \"verb\": \"check\", \"volume\": \"" + volume + "\", \"state\": \""
                        + (ended ? "done" : "running") + "\", \"ended\": " + ended + "}");
    }

    private ControlClient none() throws IOException {
        return daemon(404, "{\"error\": \"there is no job 7\", \"exitCode\": 1}");
    }

    private static ControlClient find(ControlClient... daemons) throws CommandException {
        return ControlOptions.withJob(List.of(daemons), 7, false);
    }

    private static CommandException refused(ControlClient... daemons) {
        return assertThrows(CommandException.class, () -> find(daemons));
    }

    @Test
    void theOnlyDaemonThatHasItIsMeant() throws Exception {
        ControlClient ended = job("a", true);
        ControlClient gone = new ControlClient(folder.resolve("nobody.sock"));
        assertEquals(ended, find(gone, none(), ended, none()));
    }

    @Test
    void ofSeveralTheOneWhoseJobHasNotEndedIsMeant() throws Exception {
        ControlClient running = job("b", false);
        assertEquals(running, find(job("a", true), running, job("c", true)));
    }

    @Test
    void whereThatDoesNotTellAllAreNamed() throws Exception {
        ControlClient first = job("a", false);
        ControlClient second = job("b", false);
        CommandException running = refused(first, job("c", true), second);
        assertEquals(ExitCode.USAGE, running.exitCode());
        assertTrue(running.getMessage().startsWith("several daemons have a job 7"), running.getMessage());
        assertTrue(
                running.getMessage().contains("--control " + second.socket() + ": check of b, running"),
                running.getMessage());
        assertTrue(refused(job("a", true), job("b", true)).getMessage().contains("check of b, done"));
    }

    @Test
    void thatNobodyHasItIsSaidInTheDaemonsWords() throws Exception {
        CommandException unknown = refused(none(), none());
        assertEquals("there is no job 7", unknown.getMessage());
        assertFalse(unknown.getMessage().contains("--control"));
    }
}
