package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdUri;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
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

    private static int occurrences(String text, String words) {
        return text.split(Pattern.quote(words), -1).length - 1;
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
                assertEquals(1, occurrences(server.log(), "writes fail: no space is left on the filesystem"));
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
                assertEquals(1, occurrences(server.log(), "writes fail: the storage answers with"), server.log());
                assertEquals(1, occurrences(server.log(), "reads fail: the storage answers with"), server.log());
            }
            try (Server server = serve(disk.file(), admin);
                    NbdSocket client = NbdSocket.go(port)) {
                assertArrayEquals(at(7), client.read(7L * MIB, MIB));
                assertArrayEquals(at(20), client.read(20L * MIB, MIB));
            }
        }
    }

    /** A commit of metadata meets the trouble: the daemon mends it by itself once the disk is well. */
    @Test
    void aNewRangeGetsItsKeyWhenTheDiskIsWellAgainWithoutARestart() throws Exception {
        Tool.need("nbdkit", "nbdfuse", "fusermount3");
        Server.create(folder, "1G", "--range-size", "16M");
        int admin = Ports.free();
        long newRange = 40 * 16L * MIB;
        try (Faulty disk = Faulty.over(folder.resolve("demo.bsl"), folder)) {
            try (Server server = serve(disk.file(), admin);
                    NbdSocket client = NbdSocket.go(port);
                    NbdSocket other = NbdSocket.go(port)) {
                assertEquals(0, client.write(0, at(0)));
                assertEquals(0, client.flush());

                disk.fail();
                assertEquals(EIO, client.write(newRange, data), server.log());

                disk.heal();
                long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
                int error = client.write(newRange, at(40));
                while (error != 0) {
                    assertEquals(EIO, error, server.log());
                    assertTrue(System.nanoTime() < deadline, server.log());
                    error = client.write(newRange, at(40));
                }
                // Each connection that was there is told once at most; then flushes count again.
                for (NbdSocket told : new NbdSocket[] {client, other}) {
                    int first = told.flush();
                    assertTrue(first == 0 || first == EIO, "flush: " + first);
                    assertEquals(0, told.flush(), server.log());
                }
                assertArrayEquals(at(0), client.read(0, MIB));
                assertArrayEquals(at(40), client.read(newRange, MIB));
                assertTrue(new Metrics(admin).value("blockseal_metadata_recoveries_total", "export=\"demo\"") >= 1);
                assertTrue(server.log().contains("the metadata on disk is whole again"), server.log());
                assertEquals(0, server.stop(), server.log());
                Complaint.readable(server.log());
            }
            try (Server server = serve(disk.file(), admin);
                    NbdSocket client = NbdSocket.go(port)) {
                assertArrayEquals(at(0), client.read(0, MIB));
                assertArrayEquals(at(40), client.read(newRange, MIB));
                assertEquals(0, server.stop(), server.log());
            }
        }
    }

    @Test
    void aFrozenDiskHoldsUpItsOwnVolumeAlone() throws Exception {
        Tool.need("nbdkit", "nbdfuse", "fusermount3");
        Server.create(folder, "64M");
        Path slow = folder.resolve("slow.bsl");
        Blockseal.run("create", slow, "--size", "64M", "--key-file", Server.key(folder))
                .ok();
        int admin = Ports.free();
        try (Faulty disk = Faulty.over(slow, folder);
                Server server = Server.serve(
                        folder,
                        folder.resolve("demo.bsl").toString(),
                        disk.file().toString(),
                        "--name",
                        "demo",
                        "--name",
                        "slow",
                        "--key-file",
                        Server.key(folder).toString(),
                        "--state-dir",
                        folder.resolve("state").toString(),
                        "--listen",
                        "127.0.0.1:" + port,
                        "--admin",
                        "127.0.0.1:" + admin);
                NbdSocket healthy = NbdSocket.go(port);
                NbdTransport transport = NbdTransport.open(1)) {
            NbdClient client = NbdClient.connect(
                            transport, NbdUri.tcp("127.0.0.1", port, "slow"), NbdClientOptions.DEFAULT)
                    .get(60, TimeUnit.SECONDS);
            client.write(MIB, Unpooled.wrappedBuffer(at(1)), 0).get(60, TimeUnit.SECONDS);
            client.flush().get(60, TimeUnit.SECONDS);

            disk.freeze();
            List<CompletableFuture<?>> waiting = new ArrayList<>();
            for (int i = 2; i < 20; i++) {
                waiting.add(client.write((long) i * MIB, Unpooled.wrappedBuffer(at(i)), 0));
            }
            waiting.add(client.flush());
            CompletableFuture<?> flush = waiting.get(waiting.size() - 1);
            for (int i = 0; i < 40; i++) {
                assertEquals(0, healthy.write((long) i * MIB, at(i)), server.log());
                assertArrayEquals(at(i), healthy.read((long) i * MIB, MIB));
            }
            assertEquals(0, healthy.flush(), server.log());
            assertTrue(new Metrics(admin).value("blockseal_volume_state", "export=\"demo\"", "state=\"open\"") == 1);
            assertFalse(flush.isDone(), "answered by a disk that does not");

            disk.thaw();
            for (CompletableFuture<?> request : waiting) {
                request.get(60, TimeUnit.SECONDS);
            }
            for (int i = 1; i < 20; i++) {
                assertArrayEquals(at(i), client.read((long) i * MIB, MIB).get(60, TimeUnit.SECONDS));
            }
            client.disconnect().get(60, TimeUnit.SECONDS);
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

        /** It answers nothing any more, as a network disk whose other end is gone. */
        void freeze() {
            Tool.run("kill", "-STOP", String.valueOf(nbdkit.pid())).ok();
        }

        void thaw() {
            Tool.run("kill", "-CONT", String.valueOf(nbdkit.pid())).ok();
        }

        void heal() throws IOException {
            Files.delete(failing);
        }

        @Override
        public void close() throws Exception {
            Files.deleteIfExists(failing);
            Tool.run("kill", "-CONT", String.valueOf(nbdkit.pid()));
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
