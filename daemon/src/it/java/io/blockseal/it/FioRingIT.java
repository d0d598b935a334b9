package io.blockseal.it;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The same checksums when the storage is read and written by an io_uring. */
class FioRingIT extends FioIT {
    /** About as many as the test with large requests writes; all of them are read once more. */
    private static final long REQUESTS_LEAST = 3_000;

    @TempDir(factory = LocalDisk.class)
    Path disk;

    @Override
    Path folder() {
        return disk;
    }

    @Override
    void serve(Server.Use clients) throws Exception {
        RingServer.serve(disk, clients, REQUESTS_LEAST);
    }
}
