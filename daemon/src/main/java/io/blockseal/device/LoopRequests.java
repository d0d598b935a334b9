package io.blockseal.device;

import io.blockseal.block.HotPath;
import java.util.ArrayDeque;

/**
 * One loop's count of the requests that it has begun on a device, so that somebody who wants to change a range can be
 * told when those are over; and those that wait because their range is held. Requests are counted in two epochs, of
 * which one is current: when somebody asks, the other becomes current, and the answer is due once the one before has run
 * dry. On the loop's thread only.
 */
@HotPath("every request of an encrypted device begins and ends here")
final class LoopRequests {
    private final int[] underWay = new int[2];
    private int epoch;
    /** Who is told when the epoch before the current one is over. */
    private final ArrayDeque<Runnable> due = new ArrayDeque<>();
    /** Who asked while others were waiting already. */
    private final ArrayDeque<Runnable> next = new ArrayDeque<>();

    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();

    /** A request begins; {@link #end} wants to be told what this returns. */
    int begin() {
        underWay[epoch]++;
        return epoch;
    }

    /** It is over: it touches neither store nor key any more. */
    void end(int begunIn) {
        underWay[begunIn]--;
        if (underWay[begunIn] == 0 && begunIn != epoch && !due.isEmpty()) {
            answer();
        }
    }

    /** Has {@code task} run once all that has begun is over, perhaps before this returns. */
    void whenQuiet(Runnable task) {
        next.add(task);
        if (due.isEmpty()) {
            turn();
        }
    }

    private void turn() {
        // Nobody is due, so the other epoch ran dry long ago.
        due.addAll(next);
        next.clear();
        epoch ^= 1;
        if (underWay[epoch ^ 1] == 0) {
            answer();
        }
    }

    private void answer() {
        while (!due.isEmpty()) {
            due.remove().run();
        }
        if (!next.isEmpty()) {
            turn();
        }
    }

    /** Has {@code task} run when some range is let go; it looks then whether it was its own. */
    void waitForThaw(Runnable task) {
        waiting.add(task);
    }

    /** Runs all that wait, once; one of them may call this again. */
    void thaw() {
        for (int i = waiting.size(); i > 0 && !waiting.isEmpty(); i--) {
            waiting.remove().run();
        }
    }
}
