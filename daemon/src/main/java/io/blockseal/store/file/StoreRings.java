package io.blockseal.store.file;

import io.blockseal.block.IoLoop;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One store's rings, one for each event loop that has channels to it: opened with the first of them, closed with the
 * last. From any thread.
 */
final class StoreRings {
    private static final Logger LOG = LoggerFactory.getLogger(StoreRings.class);

    private final SystemFile file;
    private final String name;
    private final StallGuard guard;
    private final Map<IoLoop, RingLane> lanes = new HashMap<>();
    private boolean refused;
    /** Of rings that are closed. */
    private long requestsBefore;

    /** For the file that messages call {@code name}. */
    StoreRings(SystemFile file, String name, StallGuard guard) {
        this.file = file;
        this.name = name;
        this.guard = guard;
    }

    /** Whether this system lets us have one; says why not, if not. */
    boolean arePossible() {
        try {
            file.openRing(RingLane.ENTRIES).close();
            return true;
        } catch (IOException e) {
            LOG.info("store={}: threads read and write it, since {}", name, e.getMessage());
            return false;
        }
    }

    /** The loop's ring, for a new channel of its, which must leave it; null if there can be none. On the loop. */
    synchronized @Nullable RingLane enter(IoLoop loop) {
        RingLane lane = lanes.get(loop);
        if (lane == null) {
            lane = open(loop);
        }
        if (lane != null) {
            lane.enter();
        }
        return lane;
    }

    private @Nullable RingLane open(IoLoop loop) {
        try {
            RingLane lane = RingLane.open(this, loop, file, guard);
            lanes.put(loop, lane);
            return lane;
        } catch (IOException e) {
            if (!refused) {
                refused = true;
                LOG.warn("store={}: threads read and write it for now, since {}", name, e.getMessage());
            }
            return null;
        }
    }

    /** On the lane's loop, when its last channel has left. */
    synchronized void close(RingLane lane) {
        lanes.remove(lane.loop());
        requestsBefore += lane.requestCount();
        lane.close();
    }

    /** How many reads and writes they have done. */
    synchronized long requestCount() {
        long count = requestsBefore;
        for (RingLane lane : lanes.values()) {
            count += lane.requestCount();
        }
        return count;
    }

    /**
     * Sends nothing more and waits for what is out. An interruption is kept for the caller, and does not shorten the wait.
     *
     * @return whether all of it came back in time; if not, the file must stay open
     */
    boolean drain(Duration patience) {
        List<RingLane> open;
        synchronized (this) {
            open = List.copyOf(lanes.values());
        }
        CountDownLatch idle = new CountDownLatch(open.size());
        try {
            open.forEach(lane -> lane.whenIdle(idle));
        } catch (RejectedExecutionException e) {
            // Its loop has ended with requests out, and nobody can tell any more when they come back.
            return false;
        }
        return Uninterrupted.await(nanos -> idle.await(nanos, TimeUnit.NANOSECONDS), patience);
    }
}
