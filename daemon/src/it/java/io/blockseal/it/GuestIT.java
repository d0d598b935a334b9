package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A virtual machine takes two volumes as disks: one by its kernel's own nbd driver over four TCP connections (ext4), one
 * as the virtio disk that QEMU attaches (xfs). What its kernel wrote is there for the next machine and the next daemon,
 * and, by a device-mapper table, for a machine without any daemon.
 */
class GuestIT {
    private static final int NOT_POSSIBLE_HERE = 77;
    private static final String NBD = "nbd";
    private static final String VIRTIO = "virtio";

    @TempDir
    Path folder;

    @Test
    void aGuestsDisksSurviveARestartOfTheDaemon() throws Exception {
        Tool.need("qemu-system-x86_64");
        Path guest = guest();
        for (String name : new String[] {NBD, VIRTIO}) {
            Blockseal.run("create", volume(name), "--size", "512M", "--key-file", Server.key(folder))
                    .ok();
        }
        boot(guest, "write");
        boot(guest, "verify");
    }

    /** Whatever becomes of us, the data can be had: dm-crypt deciphers what the daemon wrote. */
    @ParameterizedTest
    @ValueSource(ints = {4096, 512})
    void aGuestReadsTheVolumeByItsTableWithoutTheDaemon(int unitBytes) throws Exception {
        Tool.need("qemu-system-x86_64");
        Path guest = guest();
        for (String name : new String[] {NBD, VIRTIO}) {
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
        result.out()
                .lines()
                .filter(line -> line.contains("table:") || line.contains("OK") || line.contains("RESULT"))
                .forEach(System.out::println);
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
        Path console = folder.resolve(phase + ".console");
        try (Server server = serve(port)) {
            Tool.Result result = Tool.run(
                    Blockseal.root().resolve("scripts/lib/guest/boot.sh"),
                    guest,
                    console,
                    phase,
                    port,
                    NBD,
                    folder.resolve("demo.sock"),
                    VIRTIO);
            assertEquals(0, result.exit(), () -> result.all() + log(server));
            Arrays.stream(result.out().split("\n"))
                    .filter(line -> line.contains("/dev/") && line.contains("bytes") || line.contains("RESULT"))
                    .forEach(System.out::println);
            assertEquals(0, server.stop(), server.log());
        }
    }

    /** Both volumes, under one key, on a unix socket and on TCP. */
    private Server serve(int port) {
        return Server.serve(
                folder,
                volume(NBD).toString(),
                volume(VIRTIO).toString(),
                "--key-file",
                Server.key(folder).toString(),
                "--state-dir",
                folder.resolve("state").toString(),
                "--unix",
                folder.resolve("demo.sock").toString(),
                "--listen",
                "127.0.0.1:" + port);
    }

    private static String log(Server server) {
        try {
            return server.log();
        } catch (IOException e) {
            return e.toString();
        }
    }
}
