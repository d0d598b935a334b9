package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Storage that fills up or fails: the request that met it gets the error, the volume goes on, and nothing is lost. */
class BadStoreIT {
    private static final int EIO = 5;
    private static final int ENOSPC = 28;
    private static final int MIB = 1 << 20;

    @TempDir
    Path folder;

    private int port;
    private final byte[] data = new byte[MIB];

    @BeforeEach
    void prepare() throws IOException {
        Tool.needRoot("mounting");
        port = Ports.free();
        new Random(6).nextBytes(data);
    }

    /** A megabyte that says where it belongs. */
    private byte[] at(int index) {
        byte[] bytes = data.clone();
        Arrays.fill(bytes, 0, 512, (byte) index);
        return bytes;
    }

    @Test
    void aFullDiskRefusesWritesUntilThereIsRoomAgain() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Tool.run("mount", "-t", "tmpfs", "-o", "size=48m", "blockseal-test", disk)
                .ok();
        try {
            Path ballast = Files.write(disk.resolve("ballast"), new byte[8 * MIB]);
            Server.create(disk, "1G", "--range-size", "16M");
            int written = 0;
            try (Server server = Server.start(disk, "--listen", "127.0.0.1:" + port);
                    NbdSocket client = NbdSocket.go(port)) {
                int error = client.write(0, at(0));
                while (error == 0) {
                    written++;
                    error = client.write((long) written * MIB, at(written));
                }
                assertEquals(ENOSPC, error, server.log());
                assertTrue(written > 4 && written < 48, "megabytes written: " + written);
                // A range without a key: the table has its room reserved, the data has not.
                assertEquals(ENOSPC, client.write(900L * MIB, data), server.log());
                for (int i = 0; i < written; i++) {
                    assertArrayEquals(at(i), client.read((long) i * MIB, MIB), "megabyte " + i);
                }
                assertEquals(0, client.write(MIB, at(1)), "what has its room can be written again");
                assertEquals(0, client.flush(), server.log());

                Files.delete(ballast);
                assertEquals(0, client.write((long) written * MIB, at(written)), server.log());
                assertEquals(0, client.write(900L * MIB, data), server.log());
                assertEquals(0, client.flush(), server.log());
                assertEquals(0, server.stop(), server.log());
                Complaint.readable(server.log());
            }
            try (Server server = Server.start(disk, "--listen", "127.0.0.1:" + port);
                    NbdSocket client = NbdSocket.go(port)) {
                for (int i = 0; i <= written; i++) {
                    assertArrayEquals(at(i), client.read((long) i * MIB, MIB), "megabyte " + i);
                }
                assertArrayEquals(data, client.read(900L * MIB, MIB));
                assertEquals(0, server.stop(), server.log());
            }
        } finally {
            Tool.run("umount", "-l", disk);
        }
    }

    @Test
    void aFailingDiskIsAnErrorForThoseWhoMeetItAndHealsWithoutARestart() throws Exception {
        Tool.need("nbdkit", "nbdfuse", "fusermount3");
        Server.create(folder, "64M");
        int admin = Ports.free();
        try (Faulty disk = Faulty.over(folder.resolve("demo.bsl"), folder)) {
            try (Server server = serve(disk.file(), admin);
                    NbdSocket client = NbdSocket.go(port)) {
                for (int i = 0; i < 8; i++) {
                    assertEquals(0, client.write((long) i * MIB, at(i)));
                }
                assertEquals(0, client.flush());
                Metrics metrics = new Metrics(admin);
                assertEquals(0, errors(metrics, "write"));

                disk.fail();
                assertEquals(EIO, client.write(20L * MIB, data), server.log());
                assertEquals(EIO, client.ask(NbdSocket.READ, MIB, MIB), server.log());
                assertEquals(1, errors(metrics, "write"));
                assertEquals(1, errors(metrics, "read"));

                disk.heal();
                for (int i = 0; i < 8; i++) {
                    assertArrayEquals(at(i), client.read((long) i * MIB, MIB), "megabyte " + i);
                }
                assertEquals(0, client.write(20L * MIB, at(20)), server.log());
                assertEquals(0, client.flush(), server.log());
                assertArrayEquals(at(20), client.read(20L * MIB, MIB));
                assertEquals(1, errors(metrics, "write"));
                assertEquals(0, server.stop(), server.log());
                Complaint.readable(server.log());
            }
            try (Server server = serve(disk.file(), admin);
                    NbdSocket client = NbdSocket.go(port)) {
                assertArrayEquals(at(7), client.read(7L * MIB, MIB));
                assertArrayEquals(at(20), client.read(20L * MIB, MIB));
            }
        }
    }

    private static double errors(Metrics metrics, String command) throws Exception {
        return metrics.value("blockseal_request_errors_total", "export=\"demo\"", "command=\"" + command + "\"");
    }

    /** O_DIRECT, so that the error meets the request and not a later write-back. */
    private Server serve(Path file, int admin) {
        return Server.serve(
                folder,
                file.toString(),
                "--name",
                "demo",
                "--direct",
                "--key-file",
                Server.key(folder).toString(),
                "--state-dir",
                folder.resolve("state").toString(),
                "--listen",
                "127.0.0.1:" + port,
                "--admin",
                "127.0.0.1:" + admin);
    }

    /** A file behind nbdkit's error filter and nbdfuse: every read and write of it fails while a switch is on. */
    private static final class Faulty implements AutoCloseable {
        private final Process nbdkit;
        private final Process fuse;
        private final Path mountPoint;
        private final Path failing;

        private Faulty(Process nbdkit, Process fuse, Path mountPoint, Path failing) {
            this.nbdkit = nbdkit;
            this.fuse = fuse;
            this.mountPoint = mountPoint;
            this.failing = failing;
        }

        static Faulty over(Path image, Path folder) throws Exception {
            Path socket = folder.resolve("nbdkit.sock");
            Path failing = folder.resolve("failing");
            Process nbdkit = new ProcessBuilder(
                            "nbdkit",
                            "--foreground",
                            "-U",
                            socket.toString(),
                            "--filter=error",
                            "file",
                            image.toString(),
                            "error=EIO",
                            "error-rate=100%",
                            "error-file=" + failing)
                    .inheritIO()
                    .start();
            awaitFile(socket, nbdkit);
            Path mountPoint = Files.createDirectory(folder.resolve("fuse"));
            Process fuse = new ProcessBuilder("nbdfuse", mountPoint.toString(), "nbd+unix:///?socket=" + socket)
                    .inheritIO()
                    .start();
            awaitFile(mountPoint.resolve("nbd"), fuse);
            return new Faulty(nbdkit, fuse, mountPoint, failing);
        }

        private static void awaitFile(Path file, Process maker) throws InterruptedException {
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (!Files.exists(file)) {
                assertTrue(maker.isAlive() && System.nanoTime() < deadline, file + " does not appear");
                maker.waitFor(20, TimeUnit.MILLISECONDS);
            }
        }

        Path file() {
            return mountPoint.resolve("nbd");
        }

        void fail() throws IOException {
            Files.createFile(failing);
        }

        void heal() throws IOException {
            Files.delete(failing);
        }

        @Override
        public void close() throws Exception {
            Files.deleteIfExists(failing);
            Tool.run("fusermount3", "-u", "-z", mountPoint);
            end(fuse);
            end(nbdkit);
        }

        private static void end(Process process) throws InterruptedException {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroy();
                process.waitFor(10, TimeUnit.SECONDS);
                process.destroyForcibly();
            }
        }
    }
}
