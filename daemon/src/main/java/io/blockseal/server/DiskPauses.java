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
    static final int SLEPT_MAX = 63;

    /** Files that have requests at a disk. */
    private int files;
    /** How many pauses were to be slept through after the last look in vain. */
    private int slept;

    private int left;

    /** So many more files (or less, if negative) have requests at a disk. */
    void awaitsDisk(int change) {
        files += change;
    }

    /** Whether the loop is to sleep now rather than look. */
    boolean isToSleep() {
        return files > 0 && left > 0;
    }

    /** The loop sleeps, and would have looked but for the disk: how long it does tells nothing of the client. */
    void sleeps() {
        left--;
    }

    /** The loop has looked. */
    void looked(boolean inVain) {
        if (files > 0) {
            slept = inVain ? Math.min(2 * slept + 1, SLEPT_MAX) : 0;
            left = slept;
        }
    }
}
