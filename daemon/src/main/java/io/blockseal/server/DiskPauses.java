package io.blockseal.server;

import io.blockseal.block.HotPath;

/**
 * Which pauses of a loop are slept through because a disk has requests of it. A disk answers in its own time, whatever a
 * short pause before has told of the client. Looks in vain at one that takes longer than a look are ever rarer, until one
 * finds something: they gain nothing, and on a virtual machine they take the processor from what serves its disk. On the
 * loop's thread.
 */
@HotPath("asked in every turn of a loop")
final class DiskPauses {
    /** So many at most between two looks in vain. */
    static final int PAUSES_MAX = 63;

    /** Of those that have requests at a disk. */
    private int fileCount;
    /** How many pauses were to be slept through after the last look. */
    private int pausesAfterLook;

    private int pausesLeft;

    /** So many more files (or fewer, if negative) have requests at a disk. */
    void awaitsDisk(int change) {
        fileCount += change;
    }

    /** Whether the loop is to sleep now rather than look. */
    boolean isToSleep() {
        return fileCount > 0 && pausesLeft > 0;
    }

    /** The loop sleeps, and would have looked but for the disk. */
    void sleptInstead() {
        pausesLeft--;
    }

    /** The loop has looked to the end, and found something or not. */
    void looked(boolean inVain) {
        if (fileCount > 0) {
            pausesAfterLook = inVain ? Math.min(2 * pausesAfterLook + 1, PAUSES_MAX) : 0;
            pausesLeft = pausesAfterLook;
        }
    }
}
