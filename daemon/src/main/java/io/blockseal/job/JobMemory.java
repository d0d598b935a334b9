package io.blockseal.job;

import java.io.IOException;

/** Where jobs are remembered over a restart of the daemon. Called with a lock held: short and local. */
public interface JobMemory {
    /** Remembers nothing. */
    JobMemory NONE = new JobMemory() {
        @Override
        public void keep(JobMemo memo) {
            // Every job ends with the process.
        }

        @Override
        public void forget(JobMemo memo) {
            // Nothing was kept.
        }
    };

    /**
     * Remembers it durably, in the place of what was remembered under its number.
     *
     * @throws IOException in words for an operator; the job is not begun then
     */
    void keep(JobMemo memo) throws IOException;

    /** Forgets it; what cannot be removed is said in the log, and the job begins once more at the next start. */
    void forget(JobMemo memo);
}
