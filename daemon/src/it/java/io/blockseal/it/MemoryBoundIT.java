package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a daemon's memory comes to with ten thousand clients that do nothing and two hundred that ask and never take the
 * answers, beside one that goes on working: less than docs/operations.md says, "Memory". When they are gone, all is as
 * before.
 *
 * <p>{@code -Dblockseal.memory.clients=N} and {@code -Dblockseal.memory.waves=N} are for more (scripts/soak). Where the
 * system lets a process have fewer descriptors, there are fewer clients.
 */
@Timeout(300)
class MemoryBoundIT {
    private static final int IDLE = Integer.getInteger("blockseal.memory.clients", 10_000);
    private static final int WAVES = Integer.getInteger("blockseal.memory.waves", 2);
    private static final int DEAF = 200;
    private static final long SEED = 20_261_127;

    // What the page promises, for two loops with buffers of 64 MiB each.
    private static final long MIB = 1 << 20;
    private static final long AT_REST_BYTES = 200 * MIB;
    private static final long BUFFER_BYTES = 128 * MIB;
    private static final long CONNECTION_BYTES = 32 << 10;

    /** What a virtual machine may take or give back by itself. */
    private static final long SLACK_BYTES = 48 * MIB;
    /** Descriptors of either process that are no client's. */
    private static final int OTHER_FILES = 1000;

    @TempDir
    private Path folder;

    private final List<UnixGuest> idle = new ArrayList<>();
    private final List<UnixGuest> deaf = new ArrayList<>();
    private Metrics metrics;
    private Path socket;

    private Server serve(int clients) throws Exception {
        int admin = Ports.free();
        metrics = new Metrics(admin);
        socket = folder.resolve("demo.sock");
        Server.create(folder, "64M");
        Path config = Files.writeString(
                folder.resolve("blockseal.yaml"),
                "unix: " + socket + "\nadmin: 127.0.0.1:" + admin + "\ncontrol: off\nstate-dir: "
                        + folder.resolve("state") + "\nloops: 2\nbuffers: 128M\nmax-connections: "
                        + (clients + DEAF + 100) + "\nvolumes:\n  - {path: " + folder.resolve("demo.bsl")
                        + ", key-file: " + Server.key(folder) + "}\n");
        int files = clients + DEAF + OTHER_FILES;
        return Server.serveBy(
                List.of("prlimit", "--nofile=" + files + ":" + files), folder, "--config", config.toString());
    }

    /** How many clients there can be: each takes a descriptor here and one at the daemon. */
    private static int clientsThatFit() throws IOException {
        long wanted = IDLE + DEAF + OTHER_FILES;
        if (hardLimit() < wanted) {
            // Without the right to do so this changes nothing.
            Tool.run("prlimit", "--pid", ProcessHandle.current().pid(), "--nofile=" + wanted + ":" + wanted);
        }
        long fit = Math.min(wanted, hardLimit()) - DEAF - OTHER_FILES;
        assertTrue(fit >= 1000, "a process may have too few descriptors: ulimit -Hn is " + hardLimit());
        return (int) fit;
    }

    private static long hardLimit() throws IOException {
        String line = Files.readAllLines(Path.of("/proc/self/limits")).stream()
                .filter(each -> each.startsWith("Max open files"))
                .findFirst()
                .orElseThrow();
        String hard = line.split("\\s{2,}")[2];
        return hard.equals("unlimited") ? Integer.MAX_VALUE : Long.parseLong(hard);
    }

    @Test
    void staysUnderTheBoundAndComesBack() throws Exception {
        Tool.need("prlimit");
        int clients = clientsThatFit();
        System.out.println("idle clients: " + clients + " that never read: " + DEAF + " seed=" + SEED);
        byte[] data = new byte[8 << 20];
        new Random(SEED).nextBytes(data);
        try (Server server = serve(clients);
                UnixGuest neighbour = UnixGuest.open(socket, true)) {
            long atRest = status(server, "VmRSS");
            assertTrue(atRest < AT_REST_BYTES, "at rest: " + atRest);
            neighbour.write(0, data);
            wave(server, neighbour, data, clients);
            long files = files(server);
            long resident = status(server, "VmRSS");
            for (int i = 1; i < WAVES; i++) {
                wave(server, neighbour, data, clients);
            }
            long after = status(server, "VmRSS");
            System.out.println("resident at rest " + (atRest >> 20) + " MiB, after the first wave " + (resident >> 20)
                    + ", after the last " + (after >> 20) + ", at most " + (status(server, "VmHWM") >> 20));
            // Whoever asks for a page has one, too, until its end is seen.
            while (files(server) > files) {
                Thread.onSpinWait();
            }
            assertTrue(after < resident + SLACK_BYTES, "resident: " + resident + " before, now " + after);
            long bound = AT_REST_BYTES + BUFFER_BYTES + (clients + DEAF + 1) * CONNECTION_BYTES;
            assertTrue(status(server, "VmHWM") < bound, "resident at most: " + status(server, "VmHWM"));
            neighbour.close();
            assertEquals(0, server.stop(), server.log());
            assertFalse(server.log().contains(" ERROR "), "see the log");
        } finally {
            leave();
        }
    }

    private void wave(Server server, UnixGuest neighbour, byte[] data, int clients) throws Exception {
        long before = status(server, "VmRSS");
        idle.addAll(open(clients, true));
        for (int i = 0; i < idle.size(); i += 10) {
            idle.get(i).beginRequest();
        }
        long full = status(server, "VmRSS");
        // Each second one has its answers in one piece.
        deaf.addAll(open(DEAF / 2, true));
        deaf.addAll(open(DEAF / 2, false));
        for (UnixGuest each : deaf) {
            each.askFor(64);
        }
        // Half of all buffers, but for a piece or two.
        metrics.awaitAtLeast(BUFFER_BYTES / 2 - 8 * MIB, "blockseal_buffer_pool_leased_bytes");
        serve(neighbour, data);
        int all = clients + DEAF + 1;
        assertEquals(all, metrics.value("blockseal_connections", "export=\"demo\""), "nobody had to go");
        System.out.println("resident " + (before >> 20) + " MiB, with idle clients " + (full >> 20) + " ("
                + (full - before) / clients + " bytes each), with those that never read "
                + (status(server, "VmRSS") >> 20));
        leave();
        metrics.awaitAtMost(1, "blockseal_connections", "export=\"demo\"");
        metrics.awaitAtMost(0, "blockseal_requests_in_flight", "export=\"demo\"");
        metrics.awaitAtMost(0, "blockseal_buffer_pool_leased_bytes");
    }

    /** Requests of all sizes, each of which has to be right. */
    private static void serve(UnixGuest neighbour, byte[] data) throws IOException {
        Random random = new Random(SEED);
        for (int i = 0; i < 300; i++) {
            int length = 512 << random.nextInt(12);
            int offset = random.nextInt(data.length / length) * length;
            byte[] piece = new byte[length];
            if (i % 2 == 0) {
                random.nextBytes(piece);
                System.arraycopy(piece, 0, data, offset, length);
                neighbour.write(offset, piece);
            } else {
                System.arraycopy(data, offset, piece, 0, length);
                assertArrayEquals(piece, neighbour.read(offset, length), "seed " + SEED + ", request " + i);
            }
        }
    }

    private List<UnixGuest> open(int count, boolean structured) throws Exception {
        ConcurrentLinkedQueue<UnixGuest> opened = new ConcurrentLinkedQueue<>();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                all.add(threads.submit(() -> opened.add(UnixGuest.open(socket, structured))));
            }
            for (Future<?> each : all) {
                each.get();
            }
        } finally {
            threads.shutdownNow();
        }
        return List.copyOf(opened);
    }

    private void leave() throws IOException {
        for (UnixGuest each : idle) {
            each.close();
        }
        for (UnixGuest each : deaf) {
            each.close();
        }
        idle.clear();
        deaf.clear();
    }

    private static long files(Server server) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/" + server.pid() + "/fd"))) {
            return all.count();
        }
    }

    private static long status(Server server, String name) throws IOException {
        String line = Files.readAllLines(Path.of("/proc/" + server.pid() + "/status")).stream()
                .filter(each -> each.startsWith(name + ":"))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    }
}
