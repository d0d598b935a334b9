package io.blockseal.volume;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many unwrapped DEKs all caches of a process may keep together, beyond the few that each has in any case. What a
 * volume may cache was decided when it was opened, and others may have come since; so the sum is watched where keys are
 * taken. From any thread.
 */
public final class DekRoom {
    /** For who has one volume, whose caches are bounded themselves. */
    public static final DekRoom UNBOUNDED = new DekRoom(Integer.MAX_VALUE);

    private final int limit;
    private final AtomicInteger taken = new AtomicInteger();

    /** Room for so many. */
    public DekRoom(int limit) {
        this.limit = limit;
    }

    /** Takes room for one more; false if there is none. */
    boolean take() {
        while (true) {
            int now = taken.get();
            if (now >= limit) {
                return false;
            }
            if (taken.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    /** Gives back the room of so many. */
    void giveBack(int count) {
        taken.addAndGet(-count);
    }

    /** How many there are. */
    int taken() {
        return taken.get();
    }
}
