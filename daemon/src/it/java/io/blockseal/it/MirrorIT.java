package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.MetadataLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The metadata is kept once more: what happens to one copy of it costs nothing. */
class MirrorIT {
    private static final int MIB = 1 << 20;
    private static final int RANGES = 12;
    private static final long RANGE = 16L * MIB;

    @TempDir
    Path folder;

    private Path volume() {
        return folder.resolve("demo.bsl");
    }

    private Path mirror() {
        return folder.resolve("demo.mirror");
    }

    private byte[] at(int range) {
        byte[] bytes = new byte[MIB];
        new Random(range).nextBytes(bytes);
        return bytes;
    }

    private Server serve(int port, Path mirror) {
        return Server.start(folder, "--listen", "127.0.0.1:" + port, "--meta-mirror", mirror.toString());
    }

    private void create() throws Exception {
        Server.create(folder, "1G", "--range-size", "16M", "--meta-mirror", mirror().toString());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(mirror())));
    }

    private void writeAndKill() throws Exception {
        int port = Ports.free();
        try (Server server = serve(port, mirror());
                NbdSocket client = NbdSocket.go(port)) {
            for (int range = 0; range < RANGES; range++) {
                assertEquals(0, client.write(range * 5L * RANGE, at(range)), server.log());
            }
            assertEquals(0, client.flush());
            server.kill();
        }
    }

    private String readAllAndStop(Path mirror) throws Exception {
        int port = Ports.free();
        try (Server server = serve(port, mirror);
                NbdSocket client = NbdSocket.go(port)) {
            for (int range = 0; range < RANGES; range++) {
                assertArrayEquals(at(range), client.read(range * 5L * RANGE, MIB), "range " + range * 5);
            }
            assertEquals(0, server.stop(), server.log());
            Complaint.readable(server.log());
            return server.log();
        }
    }

    private void wipe(Path file, long offset, long length) {
        Tool.run(
                        "dd",
                        "if=/dev/zero",
                        "of=" + file,
                        "bs=64K",
                        "seek=" + (offset >> 16),
                        "count=" + (length >> 16),
                        "conv=notrunc")
                .ok();
    }

    private String hashes(Path... files) {
        StringBuilder all = new StringBuilder();
        for (Path file : files) {
            all.append(Tool.run("sha256sum", file).ok().out());
        }
        return all.toString();
    }

    private Tool.Result check() {
        return Tool.run(
                60,
                Blockseal.command("check", volume(), "--meta-mirror", mirror(), "--key-file", Server.key(folder))
                        .toArray());
    }

    @Test
    void bringsBackAVolumeWhoseOwnMetadataIsGone() throws Exception {
        create();
        writeAndKill();
        wipe(volume(), 0, MetadataLayout.EXTENT_BYTES);
        String log = readAllAndStop(mirror());
        assertTrue(log.contains("mirror"), log);
        // The volume has its own again.
        check().ok();
        int port = Ports.free();
        try (Server server = Server.start(folder, "--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertArrayEquals(at(3), client.read(15 * RANGE, MIB));
            assertEquals(0, server.stop(), server.log());
        }
    }

    @Test
    void isMadeAnewWhenItIsGoneAndBroughtUpToDateWhenItLags() throws Exception {
        create();
        writeAndKill();
        Files.delete(mirror());
        readAllAndStop(mirror());
        check().ok();
        // A range that the mirror does not hear of.
        int port = Ports.free();
        try (Server server = Server.start(folder, "--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertEquals(0, client.write(63 * RANGE, at(99)), server.log());
            assertEquals(0, client.flush());
            assertEquals(0, server.stop(), server.log());
        }
        Tool.Result lags = check();
        assertEquals(4, lags.exit(), lags.all());
        assertTrue(lags.all().contains("mirror"), lags.all());
        readAllAndStop(mirror());
        check().ok();
        wipe(volume(), 0, MetadataLayout.EXTENT_BYTES);
        try (Server server = serve(port, mirror());
                NbdSocket client = NbdSocket.go(port)) {
            assertArrayEquals(at(99), client.read(63 * RANGE, MIB));
            assertEquals(0, server.stop(), server.log());
        }
    }

    @Test
    void ofAnotherVolumeIsRefusedAndLeftAlone() throws Exception {
        create();
        writeAndKill();
        Path other = Files.createDirectory(folder.resolve("other"));
        Server.create(other, "1G", "--meta-mirror", other.resolve("demo.mirror").toString());
        Path otherMirror = other.resolve("demo.mirror");
        String before = hashes(volume(), otherMirror);
        Tool.Result refused = Tool.run(
                60,
                Blockseal.command(
                                "serve",
                                volume(),
                                "--meta-mirror",
                                otherMirror,
                                "--key-file",
                                Server.key(folder),
                                "--unix",
                                folder.resolve("x.sock"),
                                "--state-dir",
                                folder.resolve("state"))
                        .toArray());
        assertTrue(refused.exit() != 0, refused.all());
        assertTrue(refused.err().contains("cannot be the metadata mirror of"), refused.all());
        Complaint.readable(refused.all());
        assertEquals(before, hashes(volume(), otherMirror));
        readAllAndStop(mirror());
    }
}
