package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A volume in daily use gets a new DEK for every range: ext4 of this machine's kernel lies on it, with files whose sums are
 * known from their making, and files come, go and are written over all the while. Afterwards the filesystem is whole, every
 * file is what it was made, also after a restart, and no old DEK is left in the metadata.
 *
 * <p>{@code -Dblockseal.filesystem.mib=20480} makes the volume larger (scripts/soak) and
 * {@code -Dblockseal.filesystem.seed=N} the files others. A tenth of it is filled with files.
 */
class RotatedFilesystemIT {
    private static final int SIZE_MIB = Integer.getInteger("blockseal.filesystem.mib", 1024);
    private static final long SEED = Long.getLong("blockseal.filesystem.seed", 1000);
    private static final int RANGE_MIB = 64;
    private static final int FILE_MIB = 4;
    private static final int FILES = SIZE_MIB / 10 / FILE_MIB;
    /** So many of them are written anew while the rotation is under way. */
    private static final int CHANGING_FILES = Math.min(FILES / 2, 32);

    private static final int JOB_SECONDS = 1800;

    @TempDir
    Path folder;

    private final Random random = new Random(SEED);
    /** Each file's SHA-256, of what was given to the system to write. */
    private final Map<String, String> sums = new TreeMap<>();

    private long writtenMidway;

    private Path volume() {
        return folder.resolve("demo.bsl");
    }

    @Test
    void everyFileIsWhatItWasAfterARotationOfAllDeks() throws Exception {
        AttachedDisk.needPrograms();
        Orders orders = new Orders(folder);
        Server.create(folder, SIZE_MIB + "M");
        Needles old = new Needles();
        try (Server server = Server.start(folder, orders.serveOptions());
                AttachedDisk disk = AttachedDisk.to(server, folder)) {
            disk.makeFilesystem("ext4");
            disk.mount("ext4");
            for (int i = 0; i < FILES; i++) {
                write(disk.mountPoint(), i);
            }
            Tool.run("sync", "-f", disk.mountPoint()).ok();
            long ranges = addAllDeks(old);
            long begun = System.nanoTime();
            long job = orders.beginRotation(volume());
            CompletableFuture<Void> rotated = CompletableFuture.runAsync(() -> await(orders, job));
            writeUntil(rotated, disk.mountPoint());
            rotated.get();
            double seconds = (System.nanoTime() - begun) / 1e9;
            System.out.printf(
                    "%d MiB with %d files of %d MiB: %d ranges rotated in %.1f s, %d MiB written meanwhile%n",
                    SIZE_MIB, FILES, FILE_MIB, ranges, seconds, writtenMidway);
            assertTrue(writtenMidway > 0, "nothing was written during the rotation");
            disk.unmount();
            disk.check("ext4");
            disk.mount("ext4");
            assertEquals(sums, sumsOf(disk.mountPoint()));
            disk.unmount();
            disk.close();
            assertEquals(0, server.stop(), server.log());
        }
        assertEquals(List.of(), List.copyOf(old.in(WrappedKeys.in(volume()).bytes())), "old DEKs are left");
        Blockseal.run("check", volume(), "--key-file", Server.key(folder)).ok();
        try (Server server = Server.start(folder);
                AttachedDisk disk = AttachedDisk.to(server, folder)) {
            disk.check("ext4");
            disk.mount("ext4");
            assertEquals(sums, sumsOf(disk.mountPoint()));
            disk.unmount();
        }
    }

    private static void await(Orders orders, long job) {
        try {
            orders.awaitDone(job, JOB_SECONDS);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private long addAllDeks(Needles needles) throws Exception {
        WrappedKeys disk = WrappedKeys.in(volume());
        long ranges = 0;
        for (long range = 0; range < SIZE_MIB / RANGE_MIB; range++) {
            int before = needles.count();
            disk.addDek(needles, range);
            ranges += needles.count() > before ? 1 : 0;
        }
        assertTrue(ranges > SIZE_MIB / RANGE_MIB / 2, "few ranges are in use: " + ranges);
        return ranges;
    }

    /** New files, files written over in the middle, and files that go. */
    private void writeUntil(CompletableFuture<Void> done, Path mountPoint) throws Exception {
        int next = FILES;
        while (!done.isDone()) {
            write(mountPoint, random.nextInt(CHANGING_FILES));
            String gone = name(next - CHANGING_FILES);
            if (next - CHANGING_FILES >= FILES && sums.remove(gone) != null) {
                Files.delete(mountPoint.resolve(gone));
            }
            write(mountPoint, next++);
            writtenMidway += 2 * FILE_MIB;
            if (next % 4 == 0) {
                Tool.run("fstrim", mountPoint).ok();
            }
        }
    }

    private static String name(int number) {
        return "file" + number;
    }

    /** Writes a file, over the one that may be there, and has it on the disk when it returns. */
    private void write(Path mountPoint, int number) throws Exception {
        Path file = mountPoint.resolve(name(number));
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        byte[] piece = new byte[1 << 20];
        try (OutputStream out = Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            for (int mib = 0; mib < FILE_MIB; mib++) {
                random.nextBytes(piece);
                digest.update(piece);
                out.write(piece);
            }
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        sums.put(name(number), HexFormat.of().formatHex(digest.digest()));
    }

    /** By another program, from the disk: nothing is in the system's memory of a filesystem just mounted. */
    private static Map<String, String> sumsOf(Path mountPoint) {
        Map<String, String> found = new TreeMap<>();
        Tool.run("sh", "-c", "cd '" + mountPoint + "' && sha256sum file*")
                .ok()
                .out()
                .lines()
                .map(line -> line.split(" +"))
                .forEach(words -> found.put(words[1], words[0]));
        return found;
    }
}
