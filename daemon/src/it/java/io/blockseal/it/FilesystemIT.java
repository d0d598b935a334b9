package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The main job: this machine's kernel makes a filesystem on a volume (nbdfuse, then a loop device), copies the JDK's
 * own tree into it, and finds every byte again after the daemon was stopped and started.
 */
class FilesystemIT {
    @TempDir
    Path folder;

    @BeforeEach
    void programs() {
        Tool.needRoot("mounting");
        Tool.need("nbdfuse", "losetup", "mkfs.ext4", "mkfs.xfs", "fsck.ext4", "xfs_repair", "fstrim");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs"})
    void aTreeOfFilesSurvivesARestartAndTrimmedSpaceComesBack(String type) throws Exception {
        Path tree = Path.of(System.getProperty("java.home"));
        Server.create(folder, "2G");
        String sums;
        try (Server server = Server.start(folder);
                Attached disk = Attached.to(server, folder)) {
            Tool.run("mkfs." + type, "ext4".equals(type) ? "-q" : "-f", disk.device())
                    .ok();
            disk.mount(type);
            Tool.run(
                            "cp",
                            "-a",
                            "--no-preserve=ownership",
                            tree,
                            disk.mountPoint().resolve("tree"))
                    .ok();
            sums = sums(disk);
            assertTrue(sums.lines().count() > 100, sums);
            disk.unmount();
            disk.close();
            assertEquals(0, server.stop(), server.log());
        }
        try (Server server = Server.start(folder);
                Attached disk = Attached.to(server, folder)) {
            disk.mount(type);
            assertEquals(sums, sums(disk));
            Path volume = folder.resolve("demo.bsl");
            long full = NbdToolsIT.allocated(volume);
            Tool.run("rm", "-r", disk.mountPoint().resolve("tree")).ok();
            Tool.run("sync", "-f", disk.mountPoint()).ok();
            Tool.run("fstrim", disk.mountPoint()).ok();
            disk.unmount();
            check(type, disk.device());
            long trimmed = NbdToolsIT.allocated(volume);
            System.out.println(type + ": backing file took " + full + " bytes, after fstrim " + trimmed);
            assertTrue(trimmed < full / 2, "fstrim gave nothing back: " + full + " -> " + trimmed);
        }
    }

    private static String sums(Attached disk) {
        return Tool.run(
                        "sh",
                        "-c",
                        "cd '" + disk.mountPoint() + "/tree' && find . -type f -print0 | sort -z | xargs -0 sha256sum")
                .ok()
                .out();
    }

    private static void check(String type, String device) {
        if ("ext4".equals(type)) {
            Tool.run("fsck.ext4", "-fn", device).ok();
        } else {
            Tool.run("xfs_repair", "-n", device).ok();
        }
    }

    /** An export as a block device of this kernel. */
    private static final class Attached implements AutoCloseable {
        private final Process fuse;
        private final Path fusePoint;
        private final Path mountPoint;
        private final String device;
        private boolean mounted;
        private boolean open = true;

        private Attached(Process fuse, Path fusePoint, Path mountPoint, String device) {
            this.fuse = fuse;
            this.fusePoint = fusePoint;
            this.mountPoint = mountPoint;
            this.device = device;
        }

        static Attached to(Server server, Path folder) throws Exception {
            Path fusePoint = Files.createTempDirectory(folder, "fuse");
            Process fuse = new ProcessBuilder("nbdfuse", "-C", "4", fusePoint.toString(), server.uri())
                    .inheritIO()
                    .start();
            Path disk = fusePoint.resolve("nbd");
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
            while (!Files.exists(disk)) {
                assertTrue(fuse.isAlive() && System.nanoTime() < deadline, "nbdfuse did not mount");
                fuse.waitFor(20, TimeUnit.MILLISECONDS);
            }
            String device = Tool.run("losetup", "-f", "--show", "--direct-io=on", disk)
                    .ok()
                    .out()
                    .trim();
            return new Attached(fuse, fusePoint, Files.createTempDirectory(folder, "mnt"), device);
        }

        String device() {
            return device;
        }

        Path mountPoint() {
            return mountPoint;
        }

        void mount(String type) {
            Tool.run("mount", "-t", type, device, mountPoint).ok();
            mounted = true;
        }

        void unmount() {
            Tool.run("umount", mountPoint).ok();
            mounted = false;
        }

        @Override
        public void close() throws Exception {
            if (!open) {
                return;
            }
            open = false;
            if (mounted) {
                Tool.run("umount", "-l", mountPoint);
            }
            Tool.run("losetup", "-d", device);
            Tool.run("fusermount3", "-u", fusePoint);
            if (!fuse.waitFor(30, TimeUnit.SECONDS)) {
                fuse.destroyForcibly();
            }
        }
    }
}
