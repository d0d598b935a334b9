package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A volume is made larger, as docs/operations.md has it ("Grow a volume"): its clients connect again and find the new size,
 * all that they had written, and zeros behind it. A filesystem grows in {@link GuestIT}.
 */
class GrowIT {
    private static final int RECONNECT_SECONDS = 60;

    @TempDir
    private Path folder;

    @BeforeEach
    void programs() {
        Tool.need("qemu-io", "nbdinfo");
    }

    private Path volume() {
        return folder.resolve("demo.bsl");
    }

    private Object[] resize(Object... more) {
        Object[] words = {"resize", volume(), "--size", "200M", "--key-file", Server.key(folder)};
        Object[] all = new Object[words.length + more.length];
        System.arraycopy(words, 0, all, 0, words.length);
        System.arraycopy(more, 0, all, words.length, more.length);
        return all;
    }

    /** Its first 96 MiB, of which the last half range is new when it grows, and what goes on. */
    private static void fill(QemuShell client) throws Exception {
        client.ok("write -P 0x51 0 96M");
        client.ok("flush");
        assertTrue(client.ok("length").contains("96 MiB"));
    }

    /** What the client had when it was sent away, and what it finds when it is told to look. */
    private static void findNewSize(QemuShell client) throws Exception {
        client.ok("read -P 0x51 0 96M");
        assertTrue(client.ok("length").contains("96 MiB"), "nobody told it");
        String beyond = client.say("write -P 0x52 96M 4k");
        assertTrue(beyond.contains("write failed"), beyond);
        client.ok("truncate 200M");
        assertTrue(client.ok("length").contains("200 MiB"));
        client.ok("read -P 0 96M 104M");
        client.ok("write -P 0x52 100663000 1M");
        client.ok("write -P 0x53 195M 5M");
        client.ok("flush");
        client.ok("read -P 0x51 0 100663000");
        client.ok("read -P 0x52 100663000 1M");
        client.ok("read -P 0 101711576 97M");
        client.ok("read -P 0x53 195M 5M");
        assertTrue(client.say("write 200M 512").contains("write failed"));
    }

    private void assertOthersSeeTheNewSize(Server server) throws Exception {
        assertEquals(
                Long.toString(200L << 20),
                Tool.run("nbdinfo", "--size", server.uri()).ok().out().strip());
    }

    @Test
    void aStoppedVolumeGrowsAndItsClientComesBackToIt() throws Exception {
        Server.create(folder, "96M");
        Server server = Server.start(folder);
        try (QemuShell client = new QemuShell(folder, server.socket(), "demo", RECONNECT_SECONDS)) {
            fill(client);
            assertEquals(0, server.stopForReturn(), server.log());
            assertTrue(Blockseal.run(resize()).ok().out().contains("96 MiB -> 200 MiB"));
            server = Server.start(folder);
            findNewSize(client);
            assertOthersSeeTheNewSize(server);
        }
        assertEquals(0, server.stop(), server.log());
        Blockseal.run("check", volume(), "--key-file", Server.key(folder)).ok();
    }

    /** Nobody but the clients of that volume notices. */
    @Test
    void aVolumeIsTakenOutGrownAndServedAgainBesideOthers() throws Exception {
        Server.create(folder, "96M");
        Path other = folder.resolve("other.bsl");
        Blockseal.run("create", other, "--size", "64M", "--key-file", Server.key(folder))
                .ok();
        Path config = folder.resolve("blockseal.yaml");
        String daemon = "unix: " + folder.resolve("demo.sock") + "\ncontrol: " + folder.resolve("orders.sock")
                + "\nstate-dir: " + folder.resolve("state") + "\nvolumes:\n";
        String without = daemon + entry(other);
        Files.writeString(config, without + entry(volume()));
        Orders orders = new Orders(folder);
        try (Server server = Server.serve(folder, "--config", config.toString());
                QemuShell neighbour = new QemuShell(folder, server.socket(), "other", 0);
                QemuShell client = new QemuShell(folder, server.socket(), "demo", RECONNECT_SECONDS)) {
            neighbour.ok("write -P 0x61 0 64M");
            fill(client);
            Object[] served = resize("--control", folder.resolve("orders.sock"));
            Complaint.expect(Blockseal.run(served), 5, "is served, and its clients would not see another size");

            Files.writeString(config, without);
            orders.run("reload");
            Blockseal.run(resize()).ok();
            Files.writeString(config, without + entry(volume()));
            orders.run("reload");

            findNewSize(client);
            assertOthersSeeTheNewSize(server);
            neighbour.ok("read -P 0x61 0 64M");
            assertEquals(0, server.stop(), server.log());
        }
    }

    private String entry(Path volume) {
        return "  - {path: " + volume + ", key-file: " + Server.key(folder) + "}\n";
    }
}
