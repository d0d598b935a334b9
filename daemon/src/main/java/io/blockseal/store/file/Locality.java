package io.blockseal.store.file;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/**
 * Whether a file lies on a disk of this machine, so that a write into the page cache does not wait for anybody else. A
 * network or another process (FUSE, a loop device, NBD) may stop answering for ever. Asked when a store is opened.
 */
final class Locality {
    /** {@code statfs.f_type} of filesystems that write to local disks; what is not listed is taken to be remote. */
    private static final Set<Long> LOCAL_FILESYSTEMS = Set.of(
            0xEF53L, // ext2, ext3, ext4
            0x58465342L, // xfs
            0x9123683EL, // btrfs
            0xF2F52010L, // f2fs
            0x2FC12FC1L, // zfs
            0xCA451A4EL, // bcachefs
            0x3153464AL, // jfs
            0x794C7630L); // overlay, which passes on to one of these

    private static final Set<String> REMOTE_DEVICES = Set.of("loop", "nbd", "rbd", "drbd", "ublkb");

    private Locality() {}

    /**
     * Whether a regular file is local: by its filesystem, and by the device that this lies on. A filesystem without a
     * device of its own (overlay, btrfs, zfs) is taken to lie on local ones.
     *
     * @param magic {@code statfs.f_type}
     * @param device {@code stat.st_dev}
     */
    static boolean ofFile(long magic, long device) {
        return LOCAL_FILESYSTEMS.contains(magic) && (major(device) == 0 || ofDevice(device));
    }

    /**
     * Whether a block device is local, as far as its name tells: a disk that a host adapter reaches over a network looks
     * like any other.
     *
     * @param device its number, as {@code stat.st_rdev}
     */
    static boolean ofDevice(long device) {
        long major = major(device);
        long minor = (device & 0xFF) | (device >>> 12 & 0xFFFFFF00L);
        try {
            // "/sys/devices/virtual/block/nbd0/nbd0p1": the name of a partition follows that of its disk.
            return ofDevicePath(
                    Path.of("/sys/dev/block", major + ":" + minor).toRealPath().toString());
        } catch (IOException e) {
            return false;
        }
    }

    private static long major(long device) {
        return (device >>> 8 & 0xFFF) | (device >>> 32 & 0xFFFFF000L);
    }

    /** Likewise, by its place in sysfs. */
    static boolean ofDevicePath(String sysfsPath) {
        for (String name : sysfsPath.split("/")) {
            if (REMOTE_DEVICES.contains(name.replaceFirst("[0-9].*", ""))) {
                return false;
            }
        }
        return true;
    }
}
