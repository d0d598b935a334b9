package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A server that is to send its reads and writes by an io_uring, and the figure that shows whether it did. Skips the test,
 * in the daemon's own words, where the system refuses io_uring.
 */
final class RingServer {
    private static final String REFUSED = "threads read and write it";

    private final Server server;
    private final Metrics metrics;

    private RingServer(Server server, Metrics metrics) {
        this.server = server;
        this.metrics = metrics;
    }

    /** Serves the {@code demo.bsl} of a folder of {@link LocalDisk}. */
    static RingServer start(Path folder) throws IOException {
        int admin = Ports.free();
        Server server = Server.start(folder, "--direct", "--admin", "127.0.0.1:" + admin);
        String log = server.log();
        if (log.contains(REFUSED)) {
            server.close();
        }
        assumeFalse(log.contains(REFUSED), log);
        return new RingServer(server, new Metrics(admin));
    }

    /** Serves it to these clients, and insists that so many of their reads and writes went through the ring. */
    static void serve(Path folder, Server.Use clients, long least) throws Exception {
        RingServer ring = start(folder);
        try (Server server = ring.server()) {
            clients.by(server);
            ring.requireInRing(least);
        }
    }

    Server server() {
        return server;
    }

    /** Insists that so many reads and writes or more have gone through the ring. */
    void requireInRing(long least) throws Exception {
        double done = metrics.value("blockseal_ring_requests_total", "export=\"demo\"");
        assertTrue(done >= least, done + " requests went through the ring, not " + least + "\n" + server.log());
    }
}
