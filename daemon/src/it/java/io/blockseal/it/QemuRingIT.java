package io.blockseal.it;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The same patterns, maps and images when the storage is read and written by an io_uring. */
class QemuRingIT extends QemuToolsIT {
    @TempDir(factory = LocalDisk.class)
    Path disk;

    @Override
    Path folder() {
        return disk;
    }

    @Override
    void serve(Server.Use clients) throws Exception {
        RingServer.serve(disk, clients, 1);
    }
}
