package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
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
        AttachedDisk.needPrograms();
        Tool.need("mkfs.xfs", "xfs_repair", "fstrim");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ext4", "xfs"})
    void aTreeOfFilesSurvivesARestartAndTrimmedSpaceComesBack(String type) throws Exception {
        Path tree = Path.of(System.getProperty("java.home"));
        Server.create(folder, "2G");
        String sums;
        try (Server server = Server.start(folder);
                AttachedDisk disk = AttachedDisk.to(server, folder)) {
            disk.makeFilesystem(type);
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
                AttachedDisk disk = AttachedDisk.to(server, folder)) {
            disk.mount(type);
            assertEquals(sums, sums(disk));
            Path volume = folder.resolve("demo.bsl");
            long full = NbdToolsIT.allocated(volume);
            Tool.run("rm", "-r", disk.mountPoint().resolve("tree")).ok();
            Tool.run("sync", "-f", disk.mountPoint()).ok();
            Tool.run("fstrim", disk.mountPoint()).ok();
            disk.unmount();
            disk.check(type);
            long trimmed = NbdToolsIT.allocated(volume);
            System.out.println(type + ": backing file took " + full + " bytes, after fstrim " + trimmed);
            assertTrue(trimmed < full / 2, "fstrim gave nothing back: " + full + " -> " + trimmed);
        }
    }

    private static String sums(AttachedDisk disk) {
        return Tool.run(
                        "sh",
                        "-c",
                        "cd '" + disk.mountPoint() + "/tree' && find . -type f -print0 | sort -z | xargs -0 sha256sum")
                .ok()
                .out();
    }
}
