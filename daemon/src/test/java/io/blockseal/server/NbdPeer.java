package io.blockseal.server;

import io.blockseal.nbd.NbdReplyStyle;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * A server whose answers are held to the specification, ours or another's: a writable disk of 32 MiB.
 * One is started for many tests, so its disk holds what those before have left.
 */
public interface NbdPeer extends AutoCloseable {
    /** Whether there is such a server here at all. */
    boolean isInstalled();

    /** Where it listens; it is started if it does not run, or not any more. */
    SocketAddress address() throws Exception;

    String exportName();

    /** Another disk that it serves; empty if there is none. */
    String otherName();

    boolean speaks(NbdReplyStyle style);

    /** By class and method, the cases that it is known to fail, and how. */
    Map<String, String> knownFailures();

    /** A test is over and has closed its connections: nothing of them may be left. */
    void settle() throws Exception;

    @Override
    void close() throws IOException;

    /** Whether a program is on the path. */
    static boolean hasProgram(String name) {
        for (String directory :
                Objects.requireNonNullElse(System.getenv("PATH"), "").split(":")) {
            if (Files.isExecutable(Path.of(directory, name))) {
                return true;
            }
        }
        return false;
    }
}
