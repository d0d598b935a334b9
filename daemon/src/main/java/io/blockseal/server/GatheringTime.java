package io.blockseal.server;

import io.blockseal.block.HotPath;
import java.util.Arrays;

/**
 * For how long a loop lets small requests gather before it takes them. A loop that is as fast as its client takes and
 * answers each request by itself, and both keep fetching the same lines of the socket from each other's processor; one that
 * leaves the socket alone for some microseconds takes several at once, and its client is faster, too. But one whose client
 * has nothing else to send meanwhile only makes it wait.
 *
 * <p>Which it is cannot be told from the requests, so it is tried: while they are dense, windows of all times take turns,
 * and each time that brings clearly more than the shorter one before it is taken instead. What is found holds for that one
 * connection, until the next trial: each after twice as long, but soon where the last has changed whether there is such a
 * time at all, or where requests have become much fewer since. Where no trial can be made when it is due, there is none.
 *
 * <p>The price: a client that sends at a rate of its own may wait that much longer for nothing. Others do not wait for its
 * sake: in a window in which a second connection asks for something there is no gathering from then on. So a client with
 * several connections to one loop gains nothing. On the loop's thread.
 */
@HotPath("counts every request, and is asked in every turn of a loop")
final class GatheringTime {
    /** What is tried, the shortest first. */
    static final long[] TIMES_NANOS = {0, 8_000, 16_000};

    static final long WINDOW_NANOS = 2_000_000;
    /** So many requests in a window are dense. On the machines measured, one at a time does not get there. */
    static final int DENSE = 160;
    /** With fewer in a window of a trial its time is out. */
    static final int FAILED = DENSE * 3 / 4;
    /** Few requests for so long are no accident, such as somebody else who needed the processor. */
    static final long THIN_NANOS = 3 * WINDOW_NANOS;

    /** So many windows of each time make a trial. */
    static final int TRIAL_WINDOWS = 6;
    /** A trial that has not ended after so many windows, as others disturb it, is broken off. */
    static final int TRIAL_WINDOWS_MAX = 3 * TRIAL_WINDOWS * TIMES_NANOS.length;

    static final long TRIAL_EVERY_NANOS_MIN = 128_000_000;
    static final long TRIAL_EVERY_NANOS_MAX = 1_024_000_000L;
    /** A load after so long without dense requests is another one. */
    static final long FORGOTTEN_NANOS = 4_000_000_000L;

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
    /** What the last trial has found. It is used while requests are dense. */
    private int found = NONE;
    /** For that connection. */
    private int foundFor;

    private long foundAt;
    /** How many come in a window with that, as its trial had it. */
    private long expected;

    private int doubtful;

    /** The time of this window of a trial. */
    private int tried = NONE;

    private int round;
    private int trialWindows;
    private final long[] counted = new long[TIMES_NANOS.length];
    private final long[] least = new long[TIMES_NANOS.length];
    /** With which there were far fewer requests. */
    private final boolean[] failed = new boolean[TIMES_NANOS.length];

    private long requests;
    /** Up to this window. */
    private long requestsBefore;

    /** Tells the connection, 0 if there was none in this window. */
    private int connection;

    private boolean severalConnections;
    /** In some turn of this window nothing could have gathered. */
    private boolean hindered;

    private long windowBegan;
    private long lastDense;
    private long nextTrial;
    private long trialEvery = TRIAL_EVERY_NANOS_MIN;

    /** From {@code now} on, as {@link System#nanoTime}. */
    GatheringTime(long now) {
        windowBegan = now;
        lastDense = now - FORGOTTEN_NANOS;
        nextTrial = now;
    }

    /** The loop has taken a request of that connection, which is told from others by its identity. */
    void countRequest(Object from) {
        requests++;
        int identity = System.identityHashCode(from);
        if (connection != identity) {
            severalConnections |= connection != 0;
            connection = identity;
        }
    }

    /** How many it has counted. */
    long requestCount() {
        return requests;
    }

    /**
     * The time to use before the loop asks its sockets at {@code now}, in nanoseconds; 0 is none. To be asked in each turn.
     *
     * @param possible whether the loop may look for more in this turn; where it has tasks besides, none gather all the same
     */
    long nanos(long now, boolean possible) {
        long lasted = now - windowBegan;
        if (lasted >= WINDOW_NANOS) {
            endWindow(now, lasted);
            windowBegan = now;
            requestsBefore = requests;
            connection = 0;
            severalConnections = false;
            hindered = false;
        }
        hindered |= !possible;
        if (!possible || severalConnections) {
            return 0;
        }
        return TIMES_NANOS[state == State.TRIAL ? tried : used];
    }

    private void endWindow(long now, long lasted) {
        // One that is much longer than a window has slept, or somebody else has had the processor.
        boolean slept = lasted >= 2 * WINDOW_NANOS;
        long count = slept ? 0 : (requests - requestsBefore) * WINDOW_NANOS / lasted;
        if (count >= DENSE) {
            noteDense(now);
        } else if (now - lastDense >= THIN_NANOS) {
            becomeThin(now, slept);
            return;
        }
        boolean tells = lasted < WINDOW_NANOS * 3 / 2 && !hindered && !severalConnections;
        if (state == State.TRIAL) {
            goOn(now, count, tells);
        } else if (tells) {
            settled(now, count);
        } else if (now - nextTrial >= TRIAL_EVERY_NANOS_MIN) {
            // Nobody knows any more.
            forget();
        }
    }

    /** After a while without, dense requests are another load, of which nothing is known. */
    private void noteDense(long now) {
        if (now - lastDense >= FORGOTTEN_NANOS) {
            forget();
            trialEvery = TRIAL_EVERY_NANOS_MIN;
            nextTrial = now;
        }
        lastDense = now;
    }

    private void forget() {
        used = NONE;
        found = NONE;
    }

    private void becomeThin(long now, boolean slept) {
        used = NONE;
        if (state == State.TRIAL && slept) {
            // The burst was shorter than the trial. What is known stays.
            state = State.SETTLED;
            putOff(now);
        } else if (state == State.TRIAL) {
            settle(NONE, now);
        } else if (!slept && found != NONE) {
            // It was perhaps that which has made them few.
            found = NONE;
            tryAgain(now);
        }
    }

    /** At once, or as soon as the last trial is not too near. */
    private void tryAgain(long now) {
        trialEvery = TRIAL_EVERY_NANOS_MIN;
        long soonest = foundAt + TRIAL_EVERY_NANOS_MIN;
        nextTrial = now - soonest >= 0 ? now : soonest;
    }

    private void settled(long now, long count) {
        if (found != NONE && connection != foundFor) {
            forget();
            tryAgain(now);
        }
        doubtful = used != NONE && count < expected - expected / LOSS_PARTS ? doubtful + 1 : 0;
        if (doubtful == DOUBTFUL_WINDOWS) {
            tryAgain(now);
        }
        if (count >= DENSE) {
            used = found;
            if (now - nextTrial >= 0) {
                begin();
            }
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
            failed[tried] = count < FAILED && tried != NONE;
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
        boolean another = (best == NONE) != (found == NONE);
        putOff(now);
        if (another) {
            trialEvery = TRIAL_EVERY_NANOS_MIN;
            nextTrial = now + trialEvery;
        }
        used = best;
        found = best;
        foundFor = connection;
        foundAt = now;
        expected = best == NONE ? 0 : came(best) / (TRIAL_WINDOWS - 1);
        doubtful = 0;
        state = State.SETTLED;
    }

    private void putOff(long now) {
        trialEvery = Math.min(2 * trialEvery, TRIAL_EVERY_NANOS_MAX);
        nextTrial = now + trialEvery;
    }
}
