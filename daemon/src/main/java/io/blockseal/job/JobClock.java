package io.blockseal.job;

import java.time.Instant;

/** What time it is: for people, and for measuring. Tests bring their own. */
interface JobClock {
    /** The clock on the wall, and the processor's. */
    JobClock SYSTEM = new JobClock() {
        @Override
        public Instant instant() {
            return Instant.now();
        }

        @Override
        public long nanos() {
            return System.nanoTime();
        }
    };

    /** For people. */
    Instant instant();

    /** For differences. */
    long nanos();
}
