package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.server.tls.TestAuthority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Thousands of hostile clients, in the clear and behind TLS, while an honest one writes and verifies: its data stay right,
 * and when they are gone, connections, buffers, descriptors and memory are where they were before.
 *
 * <p>{@code -Dblockseal.hostile.clients=100000} brings more (scripts/soak), {@code -Dblockseal.hostile.seed=N} others.
 */
class HostileIT {
    private static final int CLIENTS = Integer.getInteger("blockseal.hostile.clients", 1600);
    private static final long SEED = Long.getLong("blockseal.hostile.seed", 1);
    /** They come in waves; what one wave leaves behind, ten do tenfold. */
    private static final int WAVE = 4000;

    /** What a virtual machine may take or give back by itself. */
    private static final long RESIDENT_SLACK_BYTES = 48L << 20;

    @TempDir
    Path folder;

    private int port;
    private Metrics metrics;

    private Server serve(TestAuthority.Pair ours) throws Exception {
        port = Ports.free();
        int admin = Ports.free();
        metrics = new Metrics(admin);
        StringBuilder config = new StringBuilder("listen: 127.0.0.1:" + port + "\nunix: " + folder.resolve("demo.sock")
                + "\nadmin: 127.0.0.1:" + admin + "\ncontrol: off\nstate-dir: " + folder.resolve("state")
                + "\ntls: {certificate: " + ours.certificate() + ", key: " + ours.key() + "}\nvolumes:\n");
        for (String name : new String[] {"demo", "bait"}) {
            Path volume = folder.resolve(name + ".bsl");
            Path key = folder.resolve(name + ".key");
            Blockseal.run("create", volume, "--size", "64M", "--key-file", key).ok();
            config.append("  - {path: " + volume + ", key-file: " + key + "}\n");
        }
        Path file = Files.writeString(folder.resolve("blockseal.yaml"), config);
        return Server.serve(folder, "--config", file.toString());
    }

    @Test
    void leaveNothingBehindAndHarmNobody() throws Exception {
        Tool.need("fio", "openssl", "qemu-io");
        System.out.println("hostile clients: " + CLIENTS + " seed=" + SEED);
        TestAuthority authority = new TestAuthority(folder, "authority");
        try (Server server = serve(authority.forServer())) {
            Hostility.Victim victim = new Hostility.Victim("bait", authority.client(null));
            writeWhatMustStay(server);
            // All code has run once, and all caches are as full as they get; from here on nothing may grow.
            verifiedWrites(server);
            try (HostileCrowd crowd = new HostileCrowd(port, victim, SEED + 1_000_000)) {
                crowd.attack(Math.min(CLIENTS / 4, WAVE));
            }
            everythingComesBack();
            long filesBefore = files(server);
            long residentBefore = resident(server);

            AtomicBoolean over = new AtomicBoolean();
            CompletableFuture<Integer> honest = CompletableFuture.supplyAsync(() -> writeAndVerify(server, over));
            for (int done = 0; done < CLIENTS; done += WAVE) {
                wave(victim, done, honest);
            }
            over.set(true);
            int rounds = honest.get(5, TimeUnit.MINUTES);

            everythingComesBack();
            for (String limit : new String[] {"handshake-time", "handshake-size"}) {
                double cutOff = metrics.value("blockseal_connections_cut_off_total", "reason=\"" + limit + "\"");
                assertTrue(cutOff > 0, "nobody was cut off by " + limit);
            }
            metrics.awaitAtMost(filesBefore, "process_files_open_files");
            assertTrue(files(server) <= filesBefore, "descriptors: " + filesBefore + " before, now " + files(server));
            long residentAfter = resident(server);
            System.out.println("rounds of the honest client: " + rounds + ", resident: " + (residentBefore >> 20)
                    + " MiB before, " + (residentAfter >> 20) + " MiB after");
            assertTrue(
                    residentAfter < residentBefore + RESIDENT_SLACK_BYTES,
                    "resident: " + residentBefore + " before, now " + residentAfter);
            readWhatMustHaveStayed(server);
            assertEquals(0, server.stop(), server.log());
            assertCalm(server.log());
        }
    }

    private void wave(Hostility.Victim victim, int done, CompletableFuture<Integer> honest) throws Exception {
        try (HostileCrowd crowd = new HostileCrowd(port, victim, SEED + done)) {
            crowd.attack(Math.min(WAVE, CLIENTS - done));
            int staying = crowd.staying();
            assertTrue(staying > 0, "nobody stayed");
            crowd.leave();
            System.out.println(crowd + " stayed=" + staying);
        }
        if (honest.isCompletedExceptionally()) {
            honest.get();
        }
        metrics.awaitAtMost(0, "blockseal_connections", "export=\"bait\"");
    }

    private void everythingComesBack() throws Exception {
        for (String export : new String[] {"demo", "bait"}) {
            metrics.awaitAtMost(0, "blockseal_connections", "export=\"" + export + "\"");
            metrics.awaitAtMost(0, "blockseal_requests_in_flight", "export=\"" + export + "\"");
        }
        metrics.awaitAtMost(0, "blockseal_buffer_pool_leased_bytes");
    }

    /** fio's checksummed writes, round after round, until the hostile clients are gone. */
    private int writeAndVerify(Server server, AtomicBoolean over) {
        int rounds = 0;
        while (!over.get()) {
            verifiedWrites(server);
            rounds++;
        }
        return rounds;
    }

    private void verifiedWrites(Server server) {
        Tool.run(
                        "fio",
                        "--name=honest",
                        "--ioengine=nbd",
                        "--uri=" + server.uri(),
                        "--rw=randwrite",
                        "--bs=16k",
                        "--size=32M",
                        "--iodepth=8",
                        "--verify=crc32c",
                        "--verify_fatal=1",
                        "--randseed=" + SEED)
                .ok();
    }

    private void writeWhatMustStay(Server server) {
        Tool.run("qemu-io", "-f", "raw", "-c", "write -P 0x5a 40M 24M", server.uri())
                .ok();
    }

    private void readWhatMustHaveStayed(Server server) {
        Tool.Result read = Tool.run("qemu-io", "-r", "-f", "raw", "-c", "read -P 0x5a 40M 24M", server.uri())
                .ok();
        assertFalse(read.all().contains("verification failed"), read.all());
    }

    /** Strangers have made no line that anybody has to look at. */
    private static void assertCalm(String log) {
        Complaint.readable(log);
        assertFalse(log.contains(" ERROR "), log);
    }

    private static long files(Server server) throws IOException {
        try (Stream<Path> all = Files.list(Path.of("/proc/" + server.pid() + "/fd"))) {
            return all.count();
        }
    }

    private static long resident(Server server) throws IOException {
        String line = Files.readAllLines(Path.of("/proc/" + server.pid() + "/status")).stream()
                .filter(each -> each.startsWith("VmRSS:"))
                .findFirst()
                .orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    }
}
