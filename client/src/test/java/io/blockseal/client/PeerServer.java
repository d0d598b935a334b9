package io.blockseal.client;

import io.blockseal.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * A server that nobody here wrote, in the foreground, with its files in a directory of the test. Both programs write
 * their process number to a file once they listen; that is what starting waits for.
 */
final class PeerServer implements AutoCloseable {
    private static final long START_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final NbdUri uri;
    private final Process process;

    private PeerServer(NbdUri uri, Process process) {
        this.uri = uri;
        this.process = process;
    }

    /** Starts nbdkit on a unix socket; skips the test if nbdkit is not installed. */
    static PeerServer nbdkit(Path directory, String... arguments) throws IOException {
        String socket = directory.resolve("nbdkit.sock").toString();
        return nbdkit(directory, NbdUri.unix(socket, ""), List.of("-U", socket), arguments);
    }

    /** Starts nbdkit on a TCP port of the loopback; skips the test if nbdkit is not installed. */
    static PeerServer nbdkitOnPort(Path directory, int port, String... arguments) throws IOException {
        List<String> place = List.of("-i", "127.0.0.1", "-p", Integer.toString(port));
        return nbdkit(directory, NbdUri.tcp("127.0.0.1", port, ""), place, arguments);
    }

    private static PeerServer nbdkit(Path directory, NbdUri uri, List<String> place, String... arguments)
            throws IOException {
        Path pidFile = directory.resolve("nbdkit.pid");
        List<String> command = new ArrayList<>(List.of(program("nbdkit"), "-f", "-P", pidFile.toString()));
        command.addAll(place);
        command.addAll(List.of(arguments));
        return start(command, directory, uri, pidFile);
    }

    /** Starts qemu-nbd on a unix socket; skips the test if qemu-nbd is not installed. */
    static PeerServer qemuNbd(Path directory, String... arguments) throws IOException {
        String socket = directory.resolve("qemu.sock").toString();
        Path pidFile = directory.resolve("qemu.pid");
        List<String> command = new ArrayList<>(List.of(
                program("qemu-nbd"), "--persistent", "--shared=0", "--socket=" + socket, "--pid-file=" + pidFile));
        command.addAll(List.of(arguments));
        return start(command, directory, NbdUri.unix(socket, ""), pidFile);
    }

    private static String program(String name) {
        Optional<Path> found = Stream.of(System.getenv("PATH").split(":"))
                .map(directory -> Path.of(directory, name))
                .filter(Files::isExecutable)
                .findFirst();
        Assumptions.assumeTrue(found.isPresent(), name + " is not installed; this test needs it as a peer");
        return found.orElseThrow().toString();
    }

    private static PeerServer start(List<String> command, Path directory, NbdUri uri, Path pidFile) throws IOException {
        Path log = directory.resolve("peer.log");
        Files.deleteIfExists(pidFile);
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        long started = System.nanoTime();
        while (!Files.exists(pidFile)) {
            if (!process.isAlive() || System.nanoTime() - started > START_TIMEOUT_NANOS) {
                process.destroyForcibly();
                throw new IOException("cannot start " + command + ": " + Files.readString(log));
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
        }
        return new PeerServer(uri, process);
    }

    NbdUri uri(String exportName) {
        return uri.withExportName(exportName);
    }

    /** Ends the server without mercy, as a crash would. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        kill();
    }
}
