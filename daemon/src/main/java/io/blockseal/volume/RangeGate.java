package io.blockseal.volume;

import io.blockseal.block.Errno;
import io.blockseal.store.StoreException;
import io.blockseal.volume.table.DekTable;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * Holds requests to ranges back while their keys and places change, without a lock on the path of any request: a range is
 * marked in its word, then every loop is asked to say when the requests that it had begun are over. Requests that find
 * the mark wait on their loop. From any thread but a loop's; one caller at a time.
 */
final class RangeGate {
    private final String volumeName;
    private final DekTable table;
    private final List<LoopGate> loops = new CopyOnWriteArrayList<>();
    private final Set<Long> inDoubt = ConcurrentHashMap.newKeySet();

    RangeGate(String volumeName, DekTable table) {
        this.volumeName = volumeName;
        this.table = table;
    }

    /** Requests pass this gate from now on; those that begin after the call see every mark that was made before. */
    void attach(LoopGate loop) {
        loops.add(loop);
        // Not before the loop is in the list may it look at a word.
        VarHandle.fullFence();
    }

    void detach(LoopGate loop) {
        loops.remove(loop);
    }

    /**
     * Holds {@code count} ranges from {@code first} on. When it returns, no request to them is under way and none begins
     * until {@link #thaw}.
     *
     * @throws StoreException if requests that had begun do not end; nothing is held then
     */
    void hold(long first, long count, Patience patience) throws StoreException {
        for (long range = first; range < first + count; range++) {
            table.hold(range);
        }
        boolean quiet = false;
        try {
            quiet = becomesQuiet(patience);
        } finally {
            if (!quiet) {
                thaw(first, count);
            }
        }
        if (!quiet) {
            throw new StoreException(
                    Errno.EIO,
                    volumeName + ": requests that were under way did not end in time; the storage does not answer");
        }
    }

    /** Waits until all that the loops were asked for before is done, and all requests that had begun are over. */
    boolean becomesQuiet(Patience patience) {
        // Read after the marks were set: a loop that is not in this list yet will see them.
        List<LoopGate> now = List.copyOf(loops);
        CountDownLatch quiet = new CountDownLatch(now.size());
        for (LoopGate loop : now) {
            loop.whenQuiet(quiet::countDown);
        }
        try {
            return patience.await(quiet);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Has these ranges stay held whoever thaws them: what is written to them may be lost, as nobody knows what the disk says
     * of them. Only opening the volume anew finds out.
     */
    void leaveHeld(long first, long count) {
        for (long range = first; range < first + count; range++) {
            inDoubt.add(range);
        }
    }

    /** Lets go of the ranges: what waits for them begins, and old DEKs are forgotten. */
    void thaw(long first, long count) {
        for (long range = first; range < first + count; range++) {
            if (!inDoubt.contains(range)) {
                table.letGo(range);
            }
        }
        lookAgain(first, count);
    }

    /** Has all loops forget the DEKs of the ranges, and what waits look again. */
    void lookAgain(long first, long count) {
        for (LoopGate loop : loops) {
            loop.thaw(first, count);
        }
    }
}
