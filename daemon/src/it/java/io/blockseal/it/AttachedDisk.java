package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** An export as a block device of this machine's kernel (nbdfuse, then a loop device), with a filesystem on it. */
final class AttachedDisk implements AutoCloseable {
    private final Process fuse;
    private final Path fusePoint;
    private final Path mountPoint;
    private final String device;
    private boolean mounted;
    private boolean open = true;

    private AttachedDisk(Process fuse, Path fusePoint, Path mountPoint, String device) {
        this.fuse = fuse;
        this.fusePoint = fusePoint;
        this.mountPoint = mountPoint;
        this.device = device;
    }

    /** Skips the test if it cannot be had here. */
    static void needPrograms() {
        Tool.needRoot("mounting");
        Tool.need("nbdfuse", "losetup", "mkfs.ext4", "fsck.ext4");
    }

    static AttachedDisk to(Server server, Path folder) throws Exception {
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
        return new AttachedDisk(fuse, fusePoint, Files.createTempDirectory(folder, "mnt"), device);
    }

    String device() {
        return device;
    }

    Path mountPoint() {
        return mountPoint;
    }

    void makeFilesystem(String type) {
        Tool.run("mkfs." + type, "ext4".equals(type) ? "-q" : "-f", device).ok();
    }

    /** Insists that the filesystem, which is not mounted, is whole. */
    void check(String type) {
        if ("ext4".equals(type)) {
            Tool.run("fsck.ext4", "-fn", device).ok();
        } else {
            Tool.run("xfs_repair", "-n", device).ok();
        }
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
