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
import java.nio.file.StandardCopyOption;
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
    private Path volume;

    @BeforeEach
    void startTang() throws Exception {
        Tool.need("qemu-io");
        tang = Tangd.open(folder.resolve("tang"));
        url = tang.listen();
        volume = folder.resolve("demo.bsl");
    }

    @AfterEach
    void stopTang() throws Exception {
        tang.close();
    }

    private String source() throws Exception {
        return "tang:" + url + "?thumbprint=" + tang.thumbprint("ES512");
    }

    private Tool.Result blockseal(Object... words) {
        List<Object> all = new ArrayList<>(Arrays.asList(words));
        all.addAll(List.of("--state-dir", folder.resolve("state")));
        return Blockseal.run(all.toArray());
    }

    /** By a configuration in which the daemon looks for newer keys as often as it may. */
    private Server serve(String key) throws Exception {
        Path yaml = Files.writeString(folder.resolve("demo.yaml"), """
                unix: %1$s/demo.sock
                control: off
                state-dir: %1$s/state
                volumes:
                  - path: %1$s/demo.bsl
                    rewrap-poll-seconds: 10
                    key-source: %2$s
                """.formatted(folder, key));
        return Server.serve(folder, "--config", yaml.toString());
    }

    private static Tool.Result qemuIo(Server server, String command) {
        return Tool.run("qemu-io", "-f", "raw", "-c", command, server.uri());
    }

    /** Writes, or reads what was written, with success. */
    private static void uses(Server server, String command) {
        Tool.Result result = qemuIo(server, command).ok();
        assertTrue(!result.all().contains("Pattern verification failed"), result.all());
    }

    private String versionOfSlot(int index) throws Exception {
        byte[] extent = WrappedKeys.in(volume).bytes();
        int at = (int) MetadataLayout.keySlotAreaOffset(0);
        KeySlot slot = KeySlotArea.decode(Arrays.copyOfRange(extent, at, at + KeySlotArea.AREA_BYTES))
                .slot(index);
        return slot == null ? "" : slot.version();
    }

    /** Waits until the running daemon has wrapped slot 0 by the server's newer key. */
    private void awaitVersion(String wanted, Server server) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!versionOfSlot(0).equals(wanted)) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError(
                        "slot 0 stays at " + versionOfSlot(0) + ", not " + wanted + "\n" + server.log());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
    }

    private static String quoted(String uri) {
        return '"' + uri + '"';
    }

    @Test
    void aRunningDaemonTakesANewerKeyAndTheOlderOneIsNotNeededAnyMore() throws Exception {
        String source = source();
        blockseal("create", volume, "--size", "64M", "--key-source", source).ok();
        blockseal("key", "add", volume, "--key-source", source, "--new-key-file", folder.resolve("spare.key"))
                .ok();
        String first = tang.thumbprint("ECMR");
        assertEquals(first, versionOfSlot(0));
        String newer;
        try (Server server = serve(quoted(source))) {
            uses(server, "write -P 0x5a 0 1M");
            tang.rotate();
            newer = tang.thumbprint("ECMR");
            assertNotEquals(first, newer);
            awaitVersion(newer, server);
            uses(server, "read -P 0x5a 0 1M");
            assertEquals(0, server.stop(), server.log());
        }
        tang.removeHidden();
        try (Server server = serve(quoted(source()))) {
            uses(server, "read -P 0x5a 0 1M");
            assertEquals(0, server.stop(), server.log());
        }
        // What was pinned says whom to believe when a slot is made: it opens with the old word as well.
        blockseal("check", volume, "--key-source", source).ok();
        blockseal("check", volume, "--key-file", folder.resolve("spare.key")).ok();
    }

    @Test
    void keysThatWereTakenAwayTooEarlyLeaveTheVolumeClosedAndSayWhich() throws Exception {
        blockseal("create", volume, "--size", "64M", "--key-source", source()).ok();
        String first = tang.thumbprint("ECMR");
        tang.rotate();
        blockseal("check", volume, "--key-source", source()).ok();
        tang.removeHidden();
        Complaint.expect(blockseal("check", volume, "--key-source", source()), 7, first);
    }

    private Path keyFile(String name, int fill) throws Exception {
        byte[] key = new byte[32];
        for (int i = 0; i < key.length; i++) {
            key[i] = (byte) (fill + 3 * i);
        }
        Path file = Files.write(folder.resolve(name), key);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        return file;
    }

    private String both(Path keyFile) throws Exception {
        return "all-of:?source=" + source().replace("%", "%25").replace("&", "%26") + "&source=file:" + keyFile;
    }

    /** Both parts as a list, as in a configuration. */
    private String listed(Path keyFile) throws Exception {
        return "{all-of: [" + quoted(source()) + ", " + quoted("file:" + keyFile) + "]}";
    }

    @Test
    void togetherWithAKeyFileItTakesBoth() throws Exception {
        Path key = keyFile("db.key", 0x17);
        blockseal("create", volume, "--size", "64M", "--key-source", both(key)).ok();
        blockseal("key", "add", volume, "--key-source", both(key), "--new-key-file", folder.resolve("spare.key"))
                .ok();
        String newer;
        try (Server server = serve(listed(key))) {
            uses(server, "write -P 0x5a 0 1M");
            tang.rotate();
            newer = tang.thumbprint("ECMR");
            awaitVersion(newer, server);
            uses(server, "read -P 0x5a 0 1M");
            assertEquals(0, server.stop(), server.log());
        }
        tang.removeHidden();
        blockseal("check", volume, "--key-source", both(key)).ok();

        // Neither is a key of the volume by itself.
        Complaint.expect(blockseal("check", volume, "--key-source", source()), 3, "no key slot opens");
        Complaint.expect(blockseal("check", volume, "--key-file", key), 3, "no key slot opens");
        // Another file in its place, and none.
        Path away = Files.move(key, folder.resolve("away.key"));
        Complaint.expect(blockseal("check", volume, "--key-source", both(key)), 7, "part 2 of 2");
        keyFile("db.key", 0x18);
        Complaint.expect(blockseal("check", volume, "--key-source", both(key)), 3, "part 2 of 2");
        Files.move(away, key, StandardCopyOption.REPLACE_EXISTING);
        blockseal("check", volume, "--key-source", both(key)).ok();
    }

    @Test
    void aVolumeStaysLockedWhileThePartThatIsAServerIsMissing() throws Exception {
        Path key = keyFile("db.key", 0x17);
        String both = listed(key);
        blockseal("create", volume, "--size", "64M", "--key-source", both(key)).ok();
        try (Server server = serve(both)) {
            uses(server, "write -P 0x5a 0 1M");
            assertEquals(0, server.stop(), server.log());
        }
        int port = tang.fallSilent();
        try (Server server = serve(both)) {
            Tool.Result locked = qemuIo(server, "read -P 0x5a 0 4k");
            assertNotEquals(0, locked.exit(), locked::all);
            assertTrue(server.log().contains("its key source has not answered"), server.log());
            // As soon as the server is back the daemon opens it by itself.
            tang.listen(port);
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
            Tool.Result read = qemuIo(server, "read -P 0x5a 0 1M");
            while (read.exit() != 0) {
                assertTrue(System.nanoTime() < deadline, server.log());
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
                read = qemuIo(server, "read -P 0x5a 0 1M");
            }
            assertTrue(!read.all().contains("Pattern verification failed"), read.all());
            assertEquals(0, server.stop(), server.log());
        }
    }
}
