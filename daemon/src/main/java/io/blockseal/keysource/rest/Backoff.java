package io.blockseal.keysource.rest;

import java.util.concurrent.ThreadLocalRandom;

/**
 * How long to wait before a request is sent again: twice as long each time, with jitter, so that clients which failed
 * together do not come back together; or as long as the server asks for. A source is asked again until its budget of time
 * is used up; what goes on after that is the business of whoever needs the key.
 *
 * @param firstMillis the first pause
 * @param maxMillis the longest pause
 * @param budgetMillis how long one question may take in all, pauses and answers
 * @param clock where time comes from
 */
public record Backoff(long firstMillis, long maxMillis, long budgetMillis, Clock clock) {
    /** 100 ms, doubling to 30 s, 20 s in all. */
    public static final Backoff DEFAULT = new Backoff(100, 30_000, 20_000, Clock.SYSTEM);

    /** The passing of time. */
    public interface Clock {
        /** The real one. */
        Clock SYSTEM = new Clock() {
            @Override
            public long nowMillis() {
                return System.nanoTime() / 1_000_000;
            }

            @Override
            public void pause(long millis) throws InterruptedException {
                Thread.sleep(millis);
            }
        };

        /** Milliseconds since some moment. */
        long nowMillis();

        /** Lets time pass. */
        void pause(long millis) throws InterruptedException;
    }

    /** The pause after {@code failures} failures: between half of and the whole step. */
    public long pauseMillis(int failures) {
        long step = Math.min(maxMillis, firstMillis << Math.min(failures - 1, 20));
        return step / 2 + ThreadLocalRandom.current().nextLong(step / 2 + 1);
    }
}
