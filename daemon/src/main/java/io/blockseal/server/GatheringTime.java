package io.blockseal.server;

import io.blockseal.block.HotPath;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * For how long a loop lets small requests gather before it takes them. A loop that is as fast as its client takes and
 * answers each request by itself, and both keep fetching the same lines of the socket from each other's processor; one that
 * leaves the socket alone for some microseconds takes several at once, and its client is faster, too. But one whose client
 * has nothing else to send meanwhile only makes it wait.
 *
 * <p>Which it is cannot be told from the requests, so it is tried: while they are dense, windows of all times take turns.
 * The longest is used that brings so many more than the shorter ones that it is no accident, or none. The trial is repeated
 * later, each time after twice as long, but soon where it has changed whether there is such a time at all, or where requests
 * have become much fewer since.
 *
 * <p>The price: a client that sends at a rate of its own may wait that much longer for nothing. Nobody waits for the sake
 * of others: with more than one client active on the loop there is no gathering. On the loop's thread.
 */
@HotPath("counts every request, and is asked in every turn of a loop")
final class GatheringTime {
    /** What is tried, the shortest first. */
    static final long[] TIMES_NANOS = {0, 8_000, 16_000};

    static final long WINDOW_NANOS = 2_000_000;
    /** So many requests in a window are dense. On the machines measured, one at a time does not get there. */
    static final int DENSE = 160;
    /** Few requests for so long are no accident, such as somebody else who needed the processor. */
    static final long THIN_NANOS = 3 * WINDOW_NANOS;

    /** So many windows of each time make a trial. */
    static final int TRIAL_WINDOWS = 6;
    /** A trial that has not ended after so many windows, as others disturb it, is broken off. */
    static final int TRIAL_WINDOWS_MAX = 3 * TRIAL_WINDOWS * TIMES_NANOS.length;

    static final long TRIAL_EVERY_NANOS_MIN = 128_000_000;
    static final long TRIAL_EVERY_NANOS_MAX = 4_096_000_000L;

    /** A longer time has to bring one request in so many more than a shorter one. */
    static final int GAIN_PARTS = 25;
    /** Windows in a row with one request in so many less than in its trial put a time in doubt. */
    static final int LOSS_PARTS = 4;

    static final int DOUBTFUL_WINDOWS = 3;

    private static final int NONE = 0;

    private enum State {
        /** One time is used, or none. */
        SETTLED,
        /** Windows of all times take turns. */
        TRIAL
    }

    private State state = State.SETTLED;
    private int used = NONE;
    /** How many come in a window with that, as its trial had it. */
    private long expected;

    private int doubtful;

    /** The time of this window of a trial. */
    private int tried = NONE;

    private int round;
    private int trialWindows;
    private final long[] counted = new long[TIMES_NANOS.length];
    private final long[] least = new long[TIMES_NANOS.length];
    /** With which requests were dense no more. */
    private final boolean[] failed = new boolean[TIMES_NANOS.length];

    private long requests;
    /** Up to this window. */
    private long requestsBefore;

    private @Nullable Object client;
    private boolean severalClients;
    /** In some turn of this window nothing could have gathered. */
    private boolean hindered;

    private long windowBegan;
    private long lastDense;
    private long nextTrial;
    private long trialEvery = TRIAL_EVERY_NANOS_MIN;

    /** From {@code now} on, as {@link System#nanoTime}. */
    GatheringTime(long now) {
        windowBegan = now;
        lastDense = now - TRIAL_EVERY_NANOS_MAX;
        nextTrial = now;
    }

    /** The loop has taken a request of that client, which is told from others by its identity. */
    void countRequest(Object from) {
        requests++;
        if (client != from) {
            severalClients |= client != null;
            client = from;
        }
    }

    /** How many it has counted. */
    long requests() {
        return requests;
    }

    /**
     * The time to use before the loop asks its sockets at {@code now}, in nanoseconds; 0 is none. To be asked in each turn.
     *
     * @param possible whether the loop would let them gather in this turn
     */
    long nanos(long now, boolean possible) {
        long lasted = now - windowBegan;
        if (lasted >= WINDOW_NANOS) {
            endWindow(now, lasted);
            windowBegan = now;
            requestsBefore = requests;
            client = null;
            severalClients = false;
            hindered = false;
        }
        hindered |= !possible;
        if (!possible || severalClients) {
            return 0;
        }
        return TIMES_NANOS[state == State.TRIAL ? tried : used];
    }

    private void endWindow(long now, long lasted) {
        // One that is much longer than a window has slept, or somebody else has had the processor.
        boolean whole = lasted < 2 * WINDOW_NANOS;
        long count = whole ? (requests - requestsBefore) * WINDOW_NANOS / lasted : 0;
        if (count >= DENSE) {
            noteDense(now);
        } else if (now - lastDense >= THIN_NANOS) {
            becomeThin(now);
            return;
        }
        boolean tells = whole && !hindered && !severalClients;
        if (state == State.TRIAL) {
            goOn(now, count, tells);
        } else if (tells) {
            settled(now, count);
        }
    }

    /** After a while without, dense requests are another load, of which nothing is known. */
    private void noteDense(long now) {
        if (now - lastDense >= TRIAL_EVERY_NANOS_MAX) {
            trialEvery = TRIAL_EVERY_NANOS_MIN;
            nextTrial = now;
        }
        lastDense = now;
    }

    private void becomeThin(long now) {
        if (state == State.TRIAL) {
            settle(NONE, now);
        } else if (used != NONE) {
            // Should they be dense again soon, it was worth it.
            used = NONE;
            trySoon(now);
        }
    }

    private void trySoon(long now) {
        trialEvery = TRIAL_EVERY_NANOS_MIN;
        nextTrial = now;
    }

    private void settled(long now, long count) {
        doubtful = used != NONE && count < expected - expected / LOSS_PARTS ? doubtful + 1 : 0;
        if (doubtful == DOUBTFUL_WINDOWS) {
            trySoon(now);
        }
        if (count >= DENSE && now - nextTrial >= 0) {
            begin();
        }
    }

    private void begin() {
        state = State.TRIAL;
        round = 1;
        trialWindows = 0;
        tried = NONE;
        Arrays.fill(counted, 0);
        Arrays.fill(least, Long.MAX_VALUE);
        Arrays.fill(failed, false);
    }

    /** To the next window of the trial; one that tells nothing is repeated. */
    private void goOn(long now, long count, boolean tells) {
        trialWindows++;
        if (tells) {
            counted[tried] += count;
            least[tried] = Math.min(least[tried], count);
            failed[tried] = count < DENSE && tried != NONE;
            next();
        }
        if (round > TRIAL_WINDOWS) {
            settle(best(), now);
        } else if (isHopeless() || trialWindows >= TRIAL_WINDOWS_MAX) {
            settle(NONE, now);
        }
    }

    private void next() {
        do {
            tried = (tried + 1) % TIMES_NANOS.length;
            round += tried == NONE ? 1 : 0;
        } while (failed[tried]);
    }

    private boolean isHopeless() {
        boolean hopeless = true;
        for (int i = 1; i < failed.length; i++) {
            hopeless &= failed[i];
        }
        return hopeless;
    }

    private int best() {
        int best = NONE;
        for (int i = 1; i < TIMES_NANOS.length; i++) {
            if (!failed[i] && came(i) - came(best) >= came(best) / GAIN_PARTS) {
                best = i;
            }
        }
        return best;
    }

    /** With it, leaving out the window that was disturbed most. */
    private long came(int time) {
        return counted[time] - least[time];
    }

    /** Ends a trial: uses that time from now on. */
    private void settle(int best, long now) {
        boolean another = (best == NONE) != (used == NONE);
        trialEvery = another ? TRIAL_EVERY_NANOS_MIN : Math.min(2 * trialEvery, TRIAL_EVERY_NANOS_MAX);
        nextTrial = now + trialEvery;
        used = best;
        expected = best == NONE ? 0 : came(best) / (TRIAL_WINDOWS - 1);
        doubtful = 0;
        state = State.SETTLED;
    }
}
