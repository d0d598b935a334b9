package io.blockseal.server;

import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;
import java.util.ArrayDeque;

/**
 * One loop's lists of extents, lent to BLOCK_STATUS requests. Each is large, and some are kept for the next requests, but
 * not as many as clients may once have wanted. One loop's thread.
 */
@HotPath("every BLOCK_STATUS has one")
final class ExtentLists {
    /** Extents in one BLOCK_STATUS reply at most; a client asks on from where the answer ends. */
    private static final int EXTENTS_MAX = 1024;

    private static final int KEPT_MAX = 64;

    private final ArrayDeque<ExtentList> idle = new ArrayDeque<>();

    /** An empty one. */
    ExtentList lease() {
        ExtentList extents = idle.poll();
        if (extents == null) {
            extents = grow();
        }
        extents.clear();
        return extents;
    }

    private static ExtentList grow() {
        return new ExtentList(EXTENTS_MAX);
    }

    /** It is not used any more. */
    void release(ExtentList extents) {
        if (idle.size() < KEPT_MAX) {
            idle.push(extents);
        }
    }
}
