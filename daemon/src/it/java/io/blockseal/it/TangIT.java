package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.keysource.tang.Tangd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume that opens where a real Tang server is reached, alone and together with a key file. */
class TangIT {
    @TempDir
    Path folder;

    private Tangd tang;
    private String url = "";
    private Path key;

    @BeforeEach
    void startTang() throws Exception {
        Tool.need("qemu-io");
        tang = Tangd.open(folder.resolve("tang"));
        url = tang.listen();
        key = keyFile(0x17);
    }

    @AfterEach
    void stopTang() throws Exception {
        tang.close();
    }

    /** The key file's part of all-of; another one each time, in the same place. */
    private Path keyFile(int fill) throws Exception {
        byte[] bytes = new byte[32];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (fill + 3 * i);
        }
        Path file = Files.write(folder.resolve("db.key"), bytes);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    private String source() throws Exception {
        return "tang:" + url + "?thumbprint=" + tang.thumbprint("ES512");
    }

    /** As one text, for a command. */
    private String both() throws Exception {
        return "all-of:?source=" + source().replace("%", "%25").replace("&", "%26") + "&source=file:" + key;
    }

    /** As a list, for a configuration. */
    private String listed() throws Exception {
        return "{all-of: ['" + source() + "', 'file:" + key + "']}";
    }

    private Path volume(String name) {
        return folder.resolve(name + ".bsl");
    }

    private Tool.Result blockseal(Object... words) {
        List<Object> all = new ArrayList<>(Arrays.asList(words));
        all.addAll(List.of("--state-dir", folder.resolve("state")));
        return Blockseal.run(all.toArray());
    }

    private void create(String name, String source) {
        blockseal("create", volume(name), "--size", "64M", "--key-source", source)
                .ok();
    }

    /** Serves volumes, NAME and SOURCE in turn, and looks for newer keys as often as a configuration may say. */
    private Server serve(String... volumes) throws Exception {
        StringBuilder yaml = new StringBuilder(
                "unix: %1$s/demo.sock\ncontrol: off\nstate-dir: %1$s/state\nvolumes:\n".formatted(folder));
        for (int i = 0; i < volumes.length; i += 2) {
            yaml.append("  - {path: ").append(volume(volumes[i])).append(", rewrap-poll-seconds: 10, key-source: ");
            yaml.append(volumes[i + 1]).append("}\n");
        }
        Path file = Files.writeString(folder.resolve("demo.yaml"), yaml);
        return Server.serve(folder, "--config", file.toString());
    }

    private static Tool.Result qemuIo(Server server, String name, String command) {
        return Tool.run("qemu-io", "-f", "raw", "-c", command, server.uri(name));
    }

    /** Writes, or reads what was written, with success. */
    private static void uses(Server server, String name, String command) {
        Tool.Result result = qemuIo(server, name, command).ok();
        assertTrue(!result.all().contains("Pattern verification failed"), result.all());
    }

    private static void stop(Server server) throws Exception {
        assertEquals(0, server.stop(), server.log());
    }

    private String version(String name) throws Exception {
        byte[] extent = WrappedKeys.in(volume(name)).bytes();
        int at = (int) MetadataLayout.keySlotAreaOffset(0);
        KeySlot slot = KeySlotArea.decode(Arrays.copyOfRange(extent, at, at + KeySlotArea.AREA_BYTES))
                .slot(0);
        return slot == null ? "" : slot.version();
    }

    /** Waits until the running daemon has wrapped slot 0 by the server's newer key. */
    private void awaitVersion(String name, String wanted, Server server) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!version(name).equals(wanted)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(name + " stays at " + version(name) + "\n" + server.log());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
    }

    @Test
    void aRunningDaemonTakesANewerKeyAndTheOlderOneIsNotNeededAnyMore() throws Exception {
        String pinnedBefore = source();
        create("net", source());
        create("both", both());
        for (String[] each : new String[][] {{"net", source()}, {"both", both()}}) {
            Path spare = folder.resolve(each[0] + ".spare");
            blockseal("key", "add", volume(each[0]), "--key-source", each[1], "--new-key-file", spare)
                    .ok();
        }
        String first = tang.thumbprint("ECMR");
        assertEquals(List.of(first, first), List.of(version("net"), version("both")));
        try (Server server = serve("net", "'" + source() + "'", "both", listed())) {
            uses(server, "net", "write -P 0x5a 0 1M");
            uses(server, "both", "write -P 0xa5 0 1M");
            tang.rotate();
            String newer = tang.thumbprint("ECMR");
            assertNotEquals(first, newer);
            awaitVersion("net", newer, server);
            awaitVersion("both", newer, server);
            uses(server, "net", "read -P 0x5a 0 1M");
            stop(server);
        }
        tang.removeHidden();
        try (Server server = serve("net", "'" + source() + "'", "both", listed())) {
            uses(server, "net", "read -P 0x5a 0 1M");
            uses(server, "both", "read -P 0xa5 0 1M");
            stop(server);
        }
        // What is pinned says whom to believe when a slot is made: the old word opens as well.
        blockseal("check", volume("net"), "--key-source", pinnedBefore).ok();
        blockseal("check", volume("net"), "--key-file", folder.resolve("net.spare"))
                .ok();
    }

    @Test
    void keysThatWereTakenAwayTooEarlyLeaveTheVolumeClosedAndSayWhich() throws Exception {
        create("net", source());
        String first = tang.thumbprint("ECMR");
        tang.rotate();
        blockseal("check", volume("net"), "--key-source", source()).ok();
        tang.removeHidden();
        Complaint.expect(blockseal("check", volume("net"), "--key-source", source()), 7, first);
    }

    @Test
    void togetherWithAKeyFileItTakesBoth() throws Exception {
        create("both", both());
        Path volume = volume("both");
        // Neither is a key of the volume by itself.
        Complaint.expect(blockseal("check", volume, "--key-source", source()), 3, "no key slot opens");
        Complaint.expect(blockseal("check", volume, "--key-file", key), 3, "no key slot opens");
        // No file, and another one in its place.
        Files.delete(key);
        Complaint.expect(blockseal("check", volume, "--key-source", both()), 7, "part 2 of 2");
        keyFile(0x18);
        Complaint.expect(blockseal("check", volume, "--key-source", both()), 3, "part 2 of 2");
        keyFile(0x17);
        blockseal("check", volume, "--key-source", both()).ok();
    }

    @Test
    void aVolumeStaysLockedWhileThePartThatIsAServerIsMissing() throws Exception {
        create("both", both());
        String listed = listed();
        int port = tang.fallSilent();
        try (Server server = serve("both", listed)) {
            Tool.Result locked = qemuIo(server, "both", "write -P 0x5a 0 4k");
            assertNotEquals(0, locked.exit(), locked::all);
            assertTrue(server.log().contains("its key source has not answered"), server.log());
            // As soon as the server is back the daemon opens it by itself.
            tang.listen(port);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
            while (qemuIo(server, "both", "write -P 0x5a 0 4k").exit() != 0) {
                assertTrue(System.nanoTime() < deadline, server.log());
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
            }
            uses(server, "both", "read -P 0x5a 0 4k");
            stop(server);
        }
    }
}
