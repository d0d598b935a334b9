package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.server.tls.TestAuthority;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * A network that loses packets, holds them up, parts and resets connections, between the daemon and qemu's client, which
 * connects again by itself: what was written is read back as it was, in the clear and over TLS, and the daemon gives up the
 * dead connection with all that it held.
 *
 * <p>{@code -Dblockseal.network.rounds=10} does every trouble so often, both ways (scripts/soak);
 * {@code -Dblockseal.network.seed=N} writes other things.
 */
class NetworkIT {
    private static final int ROUNDS = Integer.getInteger("blockseal.network.rounds", 0);
    private static final long SEED = Long.getLong("blockseal.network.seed", 1);

    private static final int PORT = 10809;
    private static final int ADMIN = 9809;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final int BLOCKS = 512;
    private static final int WRITES = 200;
    private static final int UNKNOWN = -1;

    /** A trouble that the network has for a while. */
    private interface Trouble {
        void begin(TwoHosts hosts);
    }

    @TempDir
    Path folder;

    private TwoHosts hosts;
    private Server server;
    private Metrics metrics;
    private Path certificates;
    /** What each block was last written with. */
    private final int[] content = new int[BLOCKS];

    private long unreachableBefore;

    private final Random random = new Random(SEED);

    @BeforeEach
    void serve() throws Exception {
        Tool.need("qemu-io", "openssl", "nbdcopy");
        hosts = TwoHosts.join();
        System.out.println("rounds=" + ROUNDS + " seed=" + SEED);
        TestAuthority authority = new TestAuthority(folder, "authority");
        TestAuthority.Pair ours =
                authority.issue("/CN=server", "IP:" + TwoHosts.SERVER_ADDRESS + ",DNS:localhost", "serverAuth", 9);
        certificates = Files.createDirectory(folder.resolve("pki"));
        Files.copy(authority.certificate(), certificates.resolve("ca-cert.pem"));
        Server.create(folder, "64M");
        Path config = Files.writeString(folder.resolve("c.yaml"), """
                listen: "%s:%d"
                insecure-plaintext: true
                tls: {mode: optional, certificate: %s, key: %s}
                admin: "127.0.0.1:%d"
                control: off
                # Sooner than by default.
                tcp-keepalive-seconds: 2
                tcp-user-timeout-seconds: 6
                state-dir: %s
                volumes: [{path: %s, key-file: %s}]
                """.formatted(
                        TwoHosts.SERVER_ADDRESS,
                        PORT,
                        ours.certificate(),
                        ours.key(),
                        ADMIN,
                        folder.resolve("state"),
                        folder.resolve("demo.bsl"),
                        Server.key(folder)));
        server = Server.serveBy(hosts.atServer(), folder, "--config", config.toString());
        metrics = new Metrics(() -> hosts.page(ADMIN, "/metrics"));
    }

    @AfterEach
    void stop() throws Exception {
        try {
            if (server != null) {
                hosts.heal();
                assertEquals(0, server.stop(), server.log());
                Complaint.readable(server.log());
            }
        } finally {
            if (hosts != null) {
                hosts.close();
            }
        }
    }

    /**
     * A qemu-io that does these commands at the client's host, connecting again for two minutes. Without keep-alive a client
     * that waits for a reply never hears that the daemon's end of the connection is gone.
     */
    private List<String> qemu(boolean tls, List<String> commands) {
        List<String> words = new ArrayList<>(hosts.atClient());
        words.addAll(List.of(
                "qemu-io",
                "--object",
                "tls-creds-x509,id=tls,endpoint=client,verify-peer=on,dir=" + certificates,
                "--image-opts"));
        commands.forEach(command -> words.addAll(List.of("-c", command)));
        words.add("driver=raw,file.driver=nbd,file.server.type=inet,file.server.host=" + TwoHosts.SERVER_ADDRESS
                + ",file.server.port=" + PORT + ",file.export=demo,file.reconnect-delay=120,file.server.keep-alive=on"
                + (tls ? ",file.tls-creds=tls" : ""));
        return words;
    }

    /** Writes here and there, and reads some of it again at once. */
    private List<String> work(int writes) {
        List<String> commands = new ArrayList<>();
        for (int i = 0; i < writes; i++) {
            int block = random.nextInt(BLOCKS);
            content[block] = 1 + random.nextInt(255);
            commands.add("write -P " + content[block] + " " + (long) block * BLOCK_BYTES + " " + BLOCK_BYTES);
            if (i % 4 == 3) {
                commands.add(read(block));
                commands.add("flush");
            }
        }
        return commands;
    }

    private String read(int block) {
        return "read -P " + content[block] + " " + (long) block * BLOCK_BYTES + " " + BLOCK_BYTES;
    }

    private static void intact(Tool.Result result) {
        result.ok();
        assertFalse(result.all().contains("verification failed"), result.all());
        assertFalse(result.all().contains("error"), result.all());
    }

    /** All blocks, over a network that is well. */
    private void everythingIsAsWritten() {
        List<String> commands = new ArrayList<>();
        for (int block = 0; block < BLOCKS; block++) {
            if (content[block] != UNKNOWN) {
                commands.add(read(block));
            }
        }
        intact(Tool.run(qemu(false, commands).toArray()));
    }

    private void nothingIsHeld() throws Exception {
        metrics.awaitAtMost(0, "blockseal_connections", "export=\"demo\"");
        metrics.awaitAtMost(0, "blockseal_requests_in_flight", "export=\"demo\"");
        metrics.awaitAtMost(0, "blockseal_buffer_pool_leased_bytes");
    }

    private long writesAnswered() throws Exception {
        return (long) metrics.value("blockseal_requests_total", "export=\"demo\"", "command=\"write\"");
    }

    /** The system has given up a connection of which it has not heard, and the daemon has let go of what that held. */
    private void givenUp() throws Exception {
        metrics.awaitAtLeast(unreachableBefore + 1, "blockseal_connections_cut_off_total", "reason=\"unreachable\"");
        nothingIsHeld();
    }

    private long unreachable() throws Exception {
        return (long) metrics.value("blockseal_connections_cut_off_total", "reason=\"unreachable\"");
    }

    /** The client works; in the midst of it the trouble begins, and ends when the daemon has seen as much as is said. */
    private void workThrough(boolean tls, Trouble trouble, Until until) throws Exception {
        long before = writesAnswered();
        unreachableBefore = unreachable();
        List<String> commands = work(WRITES);
        // Fast enough for the work to take some seconds, and no faster.
        hosts.narrow("40mbit");
        CompletableFuture<Tool.Result> client =
                CompletableFuture.supplyAsync(() -> Tool.run(qemu(tls, commands).toArray()));
        metrics.awaitAtLeast(before + 20, "blockseal_requests_total", "export=\"demo\"", "command=\"write\"");
        assertFalse(client.isDone(), "the client was done before there was trouble");
        trouble.begin(hosts);
        try {
            until.await();
        } finally {
            hosts.heal();
        }
        intact(client.get(5, TimeUnit.MINUTES));
        assertTrue(writesAnswered() >= before + WRITES, "not all that was written has come");
        nothingIsHeld();
    }

    private interface Until {
        void await() throws Exception;
    }

    private static Until seconds(int seconds) {
        return () -> {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            for (long left = end - System.nanoTime(); left > 0; left = end - System.nanoTime()) {
                LockSupport.parkNanos(left);
            }
        };
    }

    /** One trouble of each kind that ends connections, or all of them both ways. */
    @TestFactory
    Stream<DynamicTest> nothingIsLostAndNothingStays() {
        List<DynamicTest> all = new ArrayList<>();
        if (ROUNDS == 0) {
            all.add(test("cut over TLS until the daemon gives up", true, TwoHosts::part, this::givenUp));
            all.add(test("resets", false, network -> network.reset(200), seconds(1)));
        }
        for (int round = 0; round < ROUNDS; round++) {
            for (boolean tls : new boolean[] {false, true}) {
                String way = " round=" + round + " tls=" + tls;
                all.add(test("cut for a second" + way, tls, TwoHosts::part, seconds(1)));
                all.add(test("cut until the daemon gives up" + way, tls, TwoHosts::part, this::givenUp));
                all.add(test("deaf client" + way, tls, TwoHosts::losesWhatTheServerSends, this::nothingIsHeld));
                all.add(test("deaf daemon" + way, tls, TwoHosts::losesWhatTheClientSends, this::nothingIsHeld));
                all.add(test("1 % loss" + way, tls, network -> network.lose(1), seconds(2)));
                all.add(test("10 % loss" + way, tls, network -> network.lose(10), seconds(3)));
                all.add(test("resets" + way, tls, network -> network.reset(200), seconds(2)));
                all.add(test("slow" + way, tls, network -> network.narrow("5mbit"), seconds(2)));
            }
            all.add(DynamicTest.dynamicTest("copied with 1 % loss round=" + round, this::copiedOverTls));
        }
        return all.stream();
    }

    private DynamicTest test(String name, boolean tls, Trouble trouble, Until until) {
        return DynamicTest.dynamicTest(name, () -> {
            workThrough(tls, trouble, until);
            everythingIsAsWritten();
        });
    }

    private void copiedOverTls() throws Exception {
        Path source = Files.write(folder.resolve("source"), randomBytes(16 << 20));
        String disk = "nbds://" + TwoHosts.SERVER_ADDRESS + "/demo?tls-certificates=" + certificates;
        hosts.lose(1);
        hosts.runAtClient("nbdcopy", source, disk).ok();
        // What was written before lies under it.
        Arrays.fill(content, 0, (16 << 20) / BLOCK_BYTES, UNKNOWN);
        Path copy = folder.resolve("copy");
        hosts.runAtClient("nbdcopy", disk, copy).ok();
        hosts.heal();
        assertEquals(-1, firstDifference(source, copy));
        nothingIsHeld();
    }

    private byte[] randomBytes(int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** Where they differ, as far as the shorter goes. */
    private static long firstDifference(Path shorter, Path longer) throws Exception {
        long at = Files.mismatch(shorter, longer);
        return at == Files.size(shorter) ? -1 : at;
    }
}
