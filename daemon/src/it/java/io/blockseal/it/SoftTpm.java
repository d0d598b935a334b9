package io.blockseal.it;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A TPM 2.0 in software, by swtpm, on loopback. What it keeps outlives it in a folder; its registers do not. */
final class SoftTpm implements AutoCloseable {
    private final Path folder;
    private final int port;
    private Process process;

    /** Switches one on whose memory is in that folder. */
    SoftTpm(Path folder) throws IOException {
        this.folder = folder;
        this.port = pairOfPorts();
        this.process = start();
    }

    /** The tools know the second port, which controls it, as the one after the first. */
    private static int pairOfPorts() throws IOException {
        while (true) {
            int first = Ports.free();
            try (ServerSocket second = new ServerSocket()) {
                second.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), first + 1));
                return first;
            } catch (IOException | IllegalArgumentException taken) {
                // Another pair.
            }
        }
    }

    private Process start() throws IOException {
        String here = "type=tcp,bindaddr=127.0.0.1,port=";
        Path log = folder.resolve("swtpm.log");
        Process started = Tool.builder(
                        List.of(
                                "swtpm",
                                "socket",
                                "--tpm2",
                                "--tpmstate",
                                "dir=" + folder,
                                "--server",
                                here + port,
                                "--ctrl",
                                here + (port + 1),
                                "--flags",
                                "not-need-init,startup-clear"),
                        log,
                        log)
                .start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!listens()) {
            if (!started.isAlive() || System.nanoTime() > deadline) {
                started.destroyForcibly();
                throw new AssertionError("swtpm does not start; see " + log);
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
        return started;
    }

    /** The port that controls it: whoever comes and goes at the other one would use up the one client that it has. */
    private boolean listens() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port + 1)) {
            return socket.isConnected();
        } catch (IOException notYet) {
            return false;
        }
    }

    /** How programs reach it. */
    String tcti() {
        return "swtpm:host=127.0.0.1,port=" + port;
    }

    /** Runs a program of tpm2-tools on it. */
    void run(String... words) {
        List<Object> all = new java.util.ArrayList<>(List.of("env", "TPM2TOOLS_TCTI=" + tcti()));
        all.addAll(List.of(words));
        Tool.run(all.toArray()).ok();
    }

    /** Switches it off and on, as when the machine is started anew. */
    void restart() throws IOException {
        close();
        process = start();
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }
}
