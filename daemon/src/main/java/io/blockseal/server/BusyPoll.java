package io.blockseal.server;

import io.netty.channel.SelectStrategy;
import io.netty.util.IntSupplier;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets a loop look for a moment whether more comes before it sleeps. To wake a sleeping thread on another processor takes
 * longer than to serve a small request, and a client with one request at a time pays for it each time.
 *
 * <p>Before a look it leaves the sockets alone for the {@link GatheringTime}, if there is one.
 *
 * <p>It is done only while it pays: the last pause was short, and a processor is left for the client. One look in vain
 * ends it until a short pause is seen again, so an idle loop sleeps. Where somebody else got the processor during a look,
 * the loop leaves off for a while: briefly, if that is rare (a client that happened to wake here), longer each time that
 * it happens again soon (a machine that has better things to do).
 *
 * <p>While a disk has requests there are pauses to be slept through all the same, see {@link DiskPauses}. On the loop's
 * thread.
 */
final class BusyPoll implements SelectStrategy {
    /**
     * A pause between two looks that long means that somebody else needed this processor. On a virtual processor an
     * interrupt takes 16 to 100 us, and there are over a hundred a second.
     */
    static final long DISPLACED_NANOS = 250_000;

    /** For how long it leaves off at first. */
    static final long HELD_OFF_NANOS_MIN = 2_000_000;

    /** For how long it leaves off at most. */
    static final long HELD_OFF_NANOS_MAX = 128_000_000;

    /** Displaced again within this many times its last hold-off, it leaves off for twice as long. */
    static final int SOON = 8;

    /** A pause, with its look if there was one, is short up to this many moments: to be woken is a part of it. */
    static final int SHORT_PAUSE_MOMENTS = 2;

    private final long momentNanos;
    private final SpareProcessors.Loop processors;
    private final GatheringTime gathering;
    private final DiskPauses diskPauses = new DiskPauses();
    private final LongSupplier nanoTime;
    private @Nullable BooleanSupplier tasksWait;
    private boolean worthwhile;
    private long sleepsSince;
    private long heldOffUntil;
    private long heldOffNanos;

    /** Looks for {@code momentNanos} at a time; never if that is 0. {@code nanoTime} as {@link System#nanoTime}. */
    BusyPoll(long momentNanos, SpareProcessors.Loop processors, LongSupplier nanoTime) {
        this.momentNanos = momentNanos;
        this.processors = processors;
        this.nanoTime = nanoTime;
        this.sleepsSince = nanoTime.getAsLong();
        this.heldOffUntil = sleepsSince;
        this.gathering = new GatheringTime(sleepsSince);
    }

    /** What its loop needs of the processors. */
    SpareProcessors.Loop processors() {
        return processors;
    }

    /** How long the requests of its loop gather; to be told of each. */
    GatheringTime gathering() {
        return gathering;
    }

    /** Which pauses its loop sleeps through for a disk's sake; to be told of the files that wait for one. */
    DiskPauses diskPauses() {
        return diskPauses;
    }

    /** Whether the loop has been given tasks, which end a look: nobody wakes a loop that is not asleep. No looks before. */
    void watch(BooleanSupplier tasksWait) {
        this.tasksWait = tasksWait;
    }

    @Override
    public int calculateStrategy(IntSupplier pollNow, boolean hasTasks) throws Exception {
        long now = nanoTime.getAsLong();
        processors.worksUntil(now);
        BooleanSupplier tasks = tasksWait;
        worthwhile = worthwhile || (!hasTasks && now - sleepsSince < SHORT_PAUSE_MOMENTS * momentNanos);
        boolean mayLook = tasks != null && worthwhile && now - heldOffUntil >= 0 && processors.oneIsLeft(now);
        boolean looks = mayLook && !diskPauses.isToSleep();
        long gatherNanos = gathering.nanos(now, looks);
        if (hasTasks) {
            return pollNow.get();
        }
        if (looks && tasks != null) {
            int ready = look(pollNow, tasks, now, gatherNanos);
            if (ready > 0 || tasks.getAsBoolean()) {
                return ready;
            }
        }
        sleepsSince = now;
        if (mayLook && !looks) {
            // How long the disk takes says nothing of the client.
            diskPauses.sleptInstead();
        } else {
            worthwhile = false;
        }
        return SelectStrategy.SELECT;
    }

    /** Leaves the sockets alone for {@code gatherNanos}, or until there is a task, before it looks. */
    private int look(IntSupplier pollNow, BooleanSupplier tasks, long begun, long gatherNanos) throws Exception {
        long before = begun;
        while (true) {
            boolean gathers = before - begun < gatherNanos && !tasks.getAsBoolean();
            int ready = gathers ? 0 : pollNow.get();
            long now = nanoTime.getAsLong();
            if (now - before > DISPLACED_NANOS) {
                leaveOff(now);
                return gathers ? pollNow.get() : ready;
            }
            boolean found = ready > 0 || tasks.getAsBoolean();
            if (!gathers && (found || now - begun > momentNanos)) {
                diskPauses.looked(!found);
                return ready;
            }
            before = now;
            Thread.onSpinWait();
        }
    }

    private void leaveOff(long now) {
        boolean again = now - heldOffUntil < SOON * heldOffNanos;
        heldOffNanos = again ? Math.min(2 * heldOffNanos, HELD_OFF_NANOS_MAX) : HELD_OFF_NANOS_MIN;
        heldOffUntil = now + heldOffNanos;
        worthwhile = false;
    }
}
