package io.blockseal.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** A server under test, ours or another's: a writable disk of 32 MiB on a unix socket. */
interface NbdPeer extends AutoCloseable {
    Path socket();

    String exportName();

    /** Points of the specification that this server is known to break, and how. */
    Map<Integer, String> knownFailures();

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

    private static boolean isListenedOn(Path socket) {
        try (RawNbd probe = RawNbd.connect(socket)) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Starts another's server; the word {@code SOCKET} stands for the socket, {@code DISK} for a file of 32 MiB. */
    static NbdPeer start(String exportName, Map<Integer, String> knownFailures, String... command)
            throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("peer");
        Path socket = directory.resolve("s");
        Path disk = directory.resolve("disk");
        try (var file = new java.io.RandomAccessFile(disk.toFile(), "rw")) {
            file.setLength(ServerRig.DISK_BYTES);
        }
        List<String> words = java.util.Arrays.stream(command)
                .map(word -> word.replace("SOCKET", socket.toString()).replace("DISK", disk.toString()))
                .toList();
        Process process = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        while (!isListenedOn(socket)) {
            if (!process.isAlive()) {
                throw new IOException(words.get(0) + " ended with " + process.exitValue());
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
        return new NbdPeer() {
            @Override
            public Path socket() {
                return socket;
            }

            @Override
            public String exportName() {
                return exportName;
            }

            @Override
            public Map<Integer, String> knownFailures() {
                return knownFailures;
            }

            @Override
            public void close() throws IOException {
                process.destroyForcibly();
                Files.deleteIfExists(socket);
                Files.deleteIfExists(disk);
                Files.deleteIfExists(directory);
            }
        };
    }
}
