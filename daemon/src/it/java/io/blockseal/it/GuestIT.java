package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A virtual machine takes two volumes as disks: one by its kernel's own nbd driver over four TCP connections (ext4), one
 * as the virtio disk that QEMU attaches (xfs). What its kernel wrote is there for the next machine and the next daemon, its
 * filesystems grow with their volumes, its programs do not notice when the daemon is started anew, and, by a device-mapper
 * table, a machine without any daemon can read it.
 */
class GuestIT {
    private static final int NOT_POSSIBLE_HERE = 77;
    private static final String NBD = "nbd";
    private static final String VIRTIO = "virtio";
    private static final List<String> VOLUMES = List.of(NBD, VIRTIO);
    private static final int RESTARTS = 2;

    @TempDir
    Path folder;

    @Test
    void aGuestsDisksSurviveARestartOfTheDaemonAndGrow() throws Exception {
        Tool.need("qemu-system-x86_64");
        Path guest = guest();
        create();
        boot(guest, "write");
        for (String name : VOLUMES) {
            Blockseal.run("resize", volume(name), "--size", "1G", "--key-file", Server.key(folder))
                    .ok();
        }
        boot(guest, "verify");
    }

    private void create() {
        for (String name : VOLUMES) {
            Blockseal.run("create", volume(name), "--size", "512M", "--key-file", Server.key(folder))
                    .ok();
        }
    }

    /**
     * QEMU, told to, connects again by itself, for the disk that it attaches and as a relay for the kernel's driver, which
     * does not (docs/operations.md, "Restart under a guest's feet").
     */
    @Test
    void aGuestDoesNotNoticeThatTheDaemonIsStartedAnewOrKilled() throws Exception {
        Tool.need("qemu-system-x86_64", "qemu-storage-daemon");
        Path guest = guest();
        create();
        int port = Ports.free();
        int admin = Ports.free();
        int relayed = Ports.free();
        String[] more = {"--admin", "127.0.0.1:" + admin};
        Server server = serve(port, more);
        try (QemuRelay relay = QemuRelay.open(
                        folder,
                        "server.type=inet,server.host=127.0.0.1,server.port=" + port,
                        NBD,
                        "addr.type=inet,addr.host=127.0.0.1,addr.port=" + relayed);
                ServerSocket until = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            CompletableFuture<Tool.Result> machine =
                    CompletableFuture.supplyAsync(() -> run(guest, "restart", relayed, "disk", until.getLocalPort()));
            try (Socket writing = accept(until, machine)) {
                for (int i = 0; i < RESTARTS; i++) {
                    awaitWrites(admin);
                    assertEquals(0, server.stopForReturn(), server.log());
                    server = serve(port, more);
                }
                awaitWrites(admin);
                server.kill();
                server = serve(port, more);
                awaitWrites(admin);
            }
            Tool.Result result = machine.get(240, TimeUnit.SECONDS);
            assertEquals(0, result.exit(), result::all);
            show(result, "bytes", "files written", "RESULT");
        } finally {
            server.close();
        }
        for (String name : VOLUMES) {
            Blockseal.run("check", volume(name), "--key-file", Server.key(folder))
                    .ok();
        }
    }

    /** When the machine has something to say, or is no more. */
    private static Socket accept(ServerSocket until, CompletableFuture<Tool.Result> machine) throws Exception {
        until.setSoTimeout(500);
        while (true) {
            try {
                return until.accept();
            } catch (SocketTimeoutException notYet) {
                assertFalse(machine.isDone(), () -> machine.join().all());
            }
        }
    }

    private static void awaitWrites(int admin) throws Exception {
        for (String name : VOLUMES) {
            new Metrics(admin)
                    .awaitAtLeast(50, "blockseal_requests_total", "command=\"write\"", "export=\"" + name + "\"");
        }
    }

    /** Whatever becomes of us, the data can be had: dm-crypt deciphers what the daemon wrote. */
    @ParameterizedTest
    @ValueSource(ints = {4096, 512})
    void aGuestReadsTheVolumeByItsTableWithoutTheDaemon(int unitBytes) throws Exception {
        Tool.need("qemu-system-x86_64");
        Path guest = guest();
        for (String name : VOLUMES) {
            Blockseal.run(
                            "create",
                            volume(name),
                            "--size",
                            "4G",
                            "--range-size",
                            "16M",
                            "--unit-size",
                            unitBytes,
                            "--key-file",
                            Server.key(folder))
                    .ok();
        }
        boot(guest, "write");
        Path table = folder.resolve("table");
        Tool.Result printed = Blockseal.run(
                        "dm-table",
                        volume(NBD),
                        "--key-file",
                        Server.key(folder),
                        "--state-dir",
                        folder.resolve("state"),
                        "--device",
                        "/dev/vda",
                        "--i-know")
                .ok();
        assertTrue(printed.out().contains(" zero\n"), "no range is unused, so that nothing is tried of those");
        Files.writeString(table, printed.out());
        Path console = folder.resolve("table.console");
        Tool.Result result = Tool.run(
                Blockseal.root().resolve("scripts/lib/guest/boot-table.sh"), guest, console, volume(NBD), table);
        assertEquals(0, result.exit(), result::all);
        show(result, "table:", "RESULT");
    }

    private static Path guest() {
        Path guest = Blockseal.root().resolve("target/guest");
        Tool.Result built = Tool.run(Blockseal.root().resolve("scripts/lib/guest/build.sh"), guest);
        String reason = built.all().lines().reduce("", (before, line) -> line);
        assumeTrue(built.exit() != NOT_POSSIBLE_HERE, "no guest: " + reason);
        built.ok();
        return guest;
    }

    private Path volume(String name) {
        return folder.resolve(name + ".bsl");
    }

    private void boot(Path guest, String phase) throws IOException {
        int port = Ports.free();
        try (Server server = serve(port)) {
            Tool.Result result = run(guest, phase, port, NBD);
            assertEquals(0, result.exit(), () -> result.all() + log(server));
            show(result, "bytes", "KiB", "RESULT");
            assertEquals(0, server.stop(), server.log());
        }
    }

    private Tool.Result run(Path guest, String phase, int port, String export, Object... more) {
        List<Object> words = new ArrayList<>(List.of(
                Blockseal.root().resolve("scripts/lib/guest/boot.sh"),
                guest,
                folder.resolve(phase + ".console"),
                phase,
                port,
                export,
                folder.resolve("demo.sock"),
                VIRTIO));
        words.addAll(List.of(more));
        return Tool.run(words.toArray());
    }

    private static void show(Tool.Result result, String... words) {
        result.out()
                .lines()
                .filter(line -> line.contains("GUEST") && Arrays.stream(words).anyMatch(line::contains))
                .forEach(System.out::println);
    }

    /** Both volumes, under one key, on a unix socket and on TCP. */
    private Server serve(int port, String... more) {
        List<String> words = new ArrayList<>(List.of(
                volume(NBD).toString(),
                volume(VIRTIO).toString(),
                "--key-file",
                Server.key(folder).toString(),
                "--state-dir",
                folder.resolve("state").toString(),
                "--unix",
                folder.resolve("demo.sock").toString(),
                "--listen",
                "127.0.0.1:" + port));
        words.addAll(List.of(more));
        return Server.serve(folder, words.toArray(new String[0]));
    }

    private static String log(Server server) {
        try {
            return server.log();
        } catch (IOException e) {
            return e.toString();
        }
    }
}
