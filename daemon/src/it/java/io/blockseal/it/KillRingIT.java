package io.blockseal.it;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same when the storage is read and written by an io_uring: what it was given lands even after the daemon is gone, and
 * the next daemon must not be let in before.
 */
class KillRingIT extends KillIT {
    /** Of some thousand requests most are writes, and few of these are for the pool. */
    private static final long REQUESTS_LEAST = 500;

    @TempDir(factory = LocalDisk.class)
    Path disk;

    @Override
    Path folder() {
        return disk;
    }

    /** Fewer: what the daemon does above the ring is {@link KillIT}'s to show. */
    @Override
    int killCount() {
        return Math.max(4, super.killCount() / 5);
    }

    @Override
    Serving serve(Path home) throws IOException {
        RingServer ring = RingServer.start(home);
        return new Serving(ring.server(), server -> ring.requireInRing(REQUESTS_LEAST));
    }
}
