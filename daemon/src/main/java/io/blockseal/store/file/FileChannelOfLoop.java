package io.blockseal.store.file;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import io.blockseal.block.PayloadWork;
import java.util.ArrayDeque;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One loop's way into a file: calls that cannot wait for a disk are made at once, on the loop; the others go to the
 * loop's ring if there is one, or else to the store's pool, and come back as a task on the loop.
 */
@HotPath("every request that is not answered from the table ends here")
final class FileChannelOfLoop implements BlockChannel {
    /** Every so many writes one is timed. */
    private static final int TIMED_WRITE = 8;

    private final IoLoop loop;
    private final LanePool pool;
    private final Lanes lanes;
    private final FileCall call;
    private final StallGuard guard;
    private final SideLane side;
    private final SideTrial readTrial = new SideTrial(System::nanoTime);
    private final SideTrial writeTrial = new SideTrial(System::nanoTime);
    private final @Nullable RingLane ring;
    private final ArrayDeque<PooledCall> idle = new ArrayDeque<>();
    private int writesUntimed;

    /** Its way through {@code ring}, if that is there, which it leaves when it closes. */
    FileChannelOfLoop(IoLoop loop, FileCall call, LanePool pool, Lanes lanes, @Nullable RingLane ring) {
        this.loop = loop;
        this.call = call;
        this.pool = pool;
        this.lanes = lanes;
        this.guard = pool.guard();
        this.side = new SideLane(loop, pool);
        this.ring = ring;
    }

    @Override
    public void submit(BlockRequest request) {
        if (request.command() == Command.CACHE) {
            request.complete(call.perform(request));
            return;
        }
        boolean inline =
                switch (request.command()) {
                    case READ -> lanes.readsInline();
                    case WRITE -> lanes.writesInline() && (lanes.restInline() || !request.has(BlockRequest.FUA));
                    default -> lanes.restInline();
                };
        if (!inline) {
            sendAway(request);
        } else if (!lanes.restInline() && guard.stalls()) {
            sendToPool(request);
        } else if (goesAside(request) && sendAside(request)) {
            return;
        } else if (lanes.restInline()) {
            request.complete(call.perform(request));
        } else if (request.command() == Command.READ) {
            if (call.readCached(request)) {
                request.complete(Errno.OK);
            } else {
                sendToPool(request);
            }
        } else {
            request.complete(write(request));
        }
    }

    /** A write into the page cache. A disk that cannot keep up makes each of them wait, so timing some finds out. */
    private Errno write(BlockRequest request) {
        if (++writesUntimed < TIMED_WRITE) {
            return call.perform(request);
        }
        writesUntimed = 0;
        long start = guard.now();
        Errno outcome = call.perform(request);
        guard.loopCallEnded(start);
        return outcome;
    }

    private void sendAway(BlockRequest request) {
        if (ring == null || !ring.submit(request, this)) {
            sendToPool(request);
        }
    }

    private boolean goesAside(BlockRequest request) {
        if (request.length() < PayloadWork.BYTES_MIN) {
            return false;
        }
        return switch (request.command()) {
            case READ -> readTrial.isAside(request.length()) && side.pays();
            case WRITE -> writeTrial.isAside(request.length()) && side.pays();
            default -> false;
        };
    }

    private boolean sendAside(BlockRequest request) {
        PooledCall aside = pooled(request, true, 0);
        boolean taken = side.execute(aside);
        if (!taken) {
            idle.push(aside);
        }
        return taken;
    }

    private void sendToPool(BlockRequest request) {
        sendToPool(request, 0);
    }

    private void sendToPool(BlockRequest request, int lossError) {
        PooledCall sent = pooled(request, false, lossError);
        pool.execute(sent);
        // It comes back as a task of this loop, so not before that.
        sent.takeProcessor();
    }

    private PooledCall pooled(BlockRequest request, boolean aside, int lossError) {
        PooledCall pooled = idle.poll();
        if (pooled == null) {
            pooled = grow();
        }
        pooled.request = request;
        pooled.aside = aside;
        pooled.lossError = lossError;
        return pooled;
    }

    /** The ring did it, or failed to with that (negative) error. */
    void ended(BlockRequest request, int result) {
        call.ended(request, result);
    }

    /** The ring could not do it, or not all of it: the pool does it from the beginning. */
    void takeBack(BlockRequest request) {
        takeBack(request, 0);
    }

    /** It was a durable write that failed with {@code lossError}: a pool thread takes note of the loss. */
    void takeBack(BlockRequest request, int lossError) {
        if (lossError != 0) {
            call.countLoss(lossError);
        }
        try {
            sendToPool(request, lossError);
        } catch (RejectedExecutionException e) {
            // The store has been closed over a storage that did not answer, and now it does.
            request.complete(Errno.ESHUTDOWN);
        }
    }

    private PooledCall grow() {
        return new PooledCall();
    }

    @Override
    public boolean worksBeforeWriting() {
        // What the ring takes has to be ready when it is submitted.
        return ring == null;
    }

    @Override
    public void kick() {
        if (ring != null) {
            ring.kick();
        }
    }

    @Override
    public void close() {
        idle.clear();
        if (ring != null) {
            ring.leave();
        }
    }

    /** A request on its way through the pool: runs there, then again on the loop to complete. Reused. */
    private final class PooledCall implements Runnable {
        private final Runnable arrival = this::arrive;
        private BlockRequest request = new BlockRequest();
        private boolean aside;
        /** The page cache had not got what was to be read aside. */
        private boolean missed;
        /** The kernel's own threads work for it. */
        private boolean keepsProcessor;

        private int lossError;
        private Errno result = Errno.OK;

        @Override
        public void run() {
            Errno outcome = Errno.EIO;
            pool.begins();
            try {
                if (mayMiss()) {
                    missed = !call.readCached(request);
                    outcome = Errno.OK;
                } else {
                    outcome = lossError == 0 ? call.perform(request) : call.lost(lossError);
                }
            } finally {
                pool.ends();
                result = outcome;
                loop.execute(arrival);
            }
        }

        /** One that is made aside must not wait for the disk, nor have others wait behind it. */
        private boolean mayMiss() {
            return aside && lanes == Lanes.CACHED && request.command() == Command.READ;
        }

        /** A loop that looks for more meanwhile would keep the journal of the filesystem from a processor. */
        void takeProcessor() {
            keepsProcessor = request.command() == Command.FLUSH || request.has(BlockRequest.FUA);
            if (keepsProcessor) {
                loop.usesProcessor(1);
            }
        }

        private void arrive() {
            BlockRequest arrived = request;
            Errno outcome = result;
            if (keepsProcessor) {
                keepsProcessor = false;
                loop.usesProcessor(-1);
            }
            if (aside) {
                side.arrived();
            }
            boolean again = missed;
            missed = false;
            idle.push(this);
            if (again) {
                takeBack(arrived);
            } else {
                arrived.complete(outcome);
            }
        }
    }
}
