package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.MetadataLayout;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A key or a volume that is not right: {@code serve} says so, ends with the documented code, and changes nothing. */
class BadVolumeIT {
    private static final int WRONG_KEY = 3;
    private static final int DAMAGED = 4;
    private static final int IN_USE = 5;
    private static final int KEY_SOURCE = 7;

    @TempDir
    Path folder;

    private Path volume;
    private Path key;

    @BeforeEach
    void create() {
        Server.create(folder, "64M");
        volume = folder.resolve("demo.bsl");
        key = Server.key(folder);
    }

    private Tool.Result serve(Path which, Path keyFile) {
        return Tool.run(
                60,
                Blockseal.command(
                                "serve",
                                which,
                                "--key-file",
                                keyFile,
                                "--unix",
                                folder.resolve("second.sock"),
                                "--state-dir",
                                folder.resolve("state"))
                        .toArray());
    }

    private static String hash(Path file) {
        return Tool.run("sha256sum", file).ok().out();
    }

    /** Serves what must be refused and insists that not one byte of it changed. */
    private void refused(int exit, Object... words) {
        String before = hash(volume);
        Complaint.expect(serve(volume, key), exit, words);
        assertEquals(before, hash(volume), "a refused volume was changed");
    }

    @Test
    void aWrongKeyOpensNothing() {
        key = folder.resolve("other.key");
        Blockseal.run("create", folder.resolve("other.bsl"), "--size", "64M", "--key-file", key)
                .ok();
        refused(WRONG_KEY, volume, key);
    }

    @Test
    void aMissingKeyFileIsNamed() {
        key = folder.resolve("absent.key");
        refused(KEY_SOURCE, key);
        assertTrue(Files.notExists(key), "serve must not make up a key");
    }

    @Test
    void aKeyFileThatOthersCanReadIsRefusedWithTheFix() throws IOException {
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
        refused(KEY_SOURCE, key, "chmod");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 31, 32, 33, 63})
    void aTruncatedKeyFileIsRefused(int bytes) throws IOException {
        Files.write(key, Arrays.copyOf(Files.readAllBytes(key), bytes));
        refused(KEY_SOURCE, key);
    }

    @ParameterizedTest
    @ValueSource(strings = {"nothing", "text", "zeros", "noise"})
    void anotherFileIsNoVolume(String kind) throws IOException {
        byte[] noise = new byte[(int) MetadataLayout.EXTENT_BYTES + (1 << 20)];
        new Random(3).nextBytes(noise);
        byte[] contents =
                switch (kind) {
                    case "text" -> "not a volume\n".getBytes(StandardCharsets.US_ASCII);
                    case "zeros" -> new byte[96 << 20];
                    case "noise" -> noise;
                    default -> new byte[0];
                };
        volume = Files.write(folder.resolve("other.bsl"), contents);
        refused(DAMAGED, volume, "not a Blockseal volume");
    }

    @Test
    void aMissingVolumeIsNamed() {
        Path absent = folder.resolve("absent.bsl");
        Complaint.expect(serve(absent, key), 1, absent, "blockseal create");
        assertTrue(Files.notExists(absent));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 4096, MetadataLayout.ROOT_STRIDE_BYTES, MetadataLayout.EXTENT_BYTES, (96 << 20) + 512})
    void aTruncatedVolumeIsRefused(long length) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(volume.toFile(), "rw")) {
            file.setLength(length);
        }
        refused(DAMAGED, volume, "truncated");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aDamagedRootIsReplacedByTheOtherAndThatIsSaid(int copy) throws Exception {
        byte[] data = new byte[1 << 20];
        new Random(copy).nextBytes(data);
        int port = Ports.free();
        try (Server server = Server.start(folder, "--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertEquals(0, client.write(5 << 20, data));
            assertEquals(0, client.flush());
        }
        damage(copy);
        String letter = "root " + MetadataLayout.letter(copy);
        try (Server server = Server.start(folder, "--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertTrue(server.log().contains(letter), server.log());
            assertArrayEquals(data, client.read(5 << 20, data.length));
            assertEquals(0, client.write(40 << 20, data), "a volume with one root can be written");
            assertEquals(0, client.flush());
            Complaint.readable(server.log());
        }
        try (Server server = Server.start(folder, "--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertArrayEquals(data, client.read(5 << 20, data.length));
            assertArrayEquals(data, client.read(40 << 20, data.length));
        }
    }

    @Test
    void withoutARootNothingOpensAndNothingChanges() throws IOException {
        damage(0);
        damage(1);
        refused(DAMAGED, volume, "backup");
    }

    @Test
    void aVolumeThatSomebodyServesIsLeftAlone() throws Exception {
        int port = Ports.free();
        try (Server server = Server.start(folder, "--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            byte[] data = {1, 2, 3, 4};
            assertEquals(0, client.write(0, data));
            refused(IN_USE, volume, Long.toString(server.pid()));
            assertArrayEquals(data, client.read(0, 4), "the first daemon goes on");
            assertEquals(0, client.write(8192, data));
        }
    }

    private void damage(int copy) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(volume.toFile(), "rw")) {
            long middle = MetadataLayout.rootOffset(copy) + MetadataLayout.BLOCK_BYTES / 2;
            file.seek(middle);
            int there = file.read();
            file.seek(middle);
            file.write(there ^ 1);
        }
    }
}
