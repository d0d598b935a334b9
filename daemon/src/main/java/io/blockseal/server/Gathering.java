package io.blockseal.server;

import java.util.Arrays;

/**
 * How long a loop lets small requests gather before it takes them. A loop that is as fast as its client takes and answers
 * each request by itself, and both keep fetching the same lines of the socket from each other's processor; one that leaves
 * the socket alone for some microseconds takes several at once, and its client is faster, too. But one whose client has
 * nothing else to send meanwhile only makes it wait.
 *
 * <p>Which it is cannot be told from the requests, so it is tried: while requests are dense, windows of all pauses take
 * turns, and that with which most requests came is used. It is tried again later, each time after twice as long, unless that changed
 * whether there is a pause at all. Where requests become few, there is no pause. On the loop's thread.
 */
final class Gathering {
    /** What is tried, the shortest first; 0 is no pause. */
    static final long[] PAUSES_NANOS = {0, 8_000, 16_000};

    static final long WINDOW_NANOS = 2_000_000;
    /** So many requests in a window are dense; a client with one request at a time does not get there. */
    static final int DENSE = 160;

    /** So many windows of each pause make a trial. */
    static final int TRIAL_WINDOWS = 6;

    static final long TRIAL_EVERY_NANOS_MIN = 128_000_000;
    static final long TRIAL_EVERY_NANOS_MAX = 4_096_000_000L;

    /** A longer pause has to bring one request in so many more than a shorter one. */
    static final int GAIN_PARTS = 25;

    /** Few requests for so long are no accident, such as somebody else who needed the processor. */
    static final long THIN_NANOS = 3 * WINDOW_NANOS;

    private static final int NONE = 0;

    private final long[] counted = new long[PAUSES_NANOS.length];
    private final long[] least = new long[PAUSES_NANOS.length];
    private final boolean[] failed = new boolean[PAUSES_NANOS.length];
    private int used;
    private int tried;
    /** Which round of a trial it is, or 0 without one. */
    private int round;

    private long requests;
    private long windowBegan;
    private long lastDense;
    private long nextTrial;
    private long trialEvery = TRIAL_EVERY_NANOS_MIN;

    /** From {@code now} on, as {@link System#nanoTime}. */
    Gathering(long now) {
        windowBegan = now;
        lastDense = now - TRIAL_EVERY_NANOS_MAX;
        nextTrial = now;
    }

    /** The loop has taken a request. */
    void countRequest() {
        requests++;
    }

    /** The pause before the loop asks its sockets at {@code now}, in nanoseconds. To be asked in each turn. */
    long pauseNanos(long now) {
        long lasted = now - windowBegan;
        if (lasted >= WINDOW_NANOS) {
            // One that is much longer than a window has slept in between.
            endWindow(now, lasted < 2 * WINDOW_NANOS ? requests * WINDOW_NANOS / lasted : 0);
            requests = 0;
            windowBegan = now;
        }
        return PAUSES_NANOS[round > 0 ? tried : used];
    }

    private void endWindow(long now, long count) {
        boolean dense = count >= DENSE;
        if (round > 0 && tried != NONE) {
            count(count);
            failed[tried] |= !dense;
            goOn(now);
            return;
        }
        if (dense) {
            noteDense(now);
        } else if (now - lastDense >= THIN_NANOS) {
            end(now);
            return;
        }
        if (round > 0) {
            count(count);
            goOn(now);
        } else if (dense && now - nextTrial >= 0) {
            begin();
        }
    }

    private void end(long now) {
        if (used != NONE) {
            // Should they be dense again soon, it was worth it.
            trialEvery = TRIAL_EVERY_NANOS_MIN;
            nextTrial = now;
        }
        used = NONE;
        round = 0;
    }

    private void count(long count) {
        counted[tried] += count;
        least[tried] = Math.min(least[tried], count);
    }

    /** After a while without, dense requests are another load, of which nothing is known. */
    private void noteDense(long now) {
        if (now - lastDense >= TRIAL_EVERY_NANOS_MAX) {
            trialEvery = TRIAL_EVERY_NANOS_MIN;
            nextTrial = now;
        }
        lastDense = now;
    }

    private void begin() {
        Arrays.fill(counted, 0);
        Arrays.fill(least, Long.MAX_VALUE);
        Arrays.fill(failed, false);
        round = 1;
        tried = NONE;
    }

    /** To the next window of the trial. */
    private void goOn(long now) {
        do {
            tried = (tried + 1) % PAUSES_NANOS.length;
            round += tried == NONE ? 1 : 0;
        } while (failed[tried]);
        if (round > TRIAL_WINDOWS) {
            use(best(), now);
        }
    }

    private int best() {
        int best = NONE;
        for (int i = 1; i < PAUSES_NANOS.length; i++) {
            if (!failed[i] && came(i) - came(best) >= came(best) / GAIN_PARTS) {
                best = i;
            }
        }
        return best;
    }

    /** With it, leaving out the window that was disturbed most. */
    private long came(int pause) {
        return counted[pause] - least[pause];
    }

    private void use(int best, long now) {
        boolean another = (best == NONE) != (used == NONE);
        nextTrial = now + trialEvery;
        trialEvery = another ? TRIAL_EVERY_NANOS_MIN : Math.min(2 * trialEvery, TRIAL_EVERY_NANOS_MAX);
        used = best;
        round = 0;
    }
}
