package io.blockseal.job;

/** What a job does, on the job's own thread. */
@FunctionalInterface
public interface JobWork {
    /**
     * Does all of it, passing a checkpoint often.
     *
     * @throws JobCanceledException as it came out of {@link JobControl#checkpoint}: not a failure
     * @throws Exception if it fails; what {@link Jobs} makes of it is shown to whoever looks at the job
     */
    JobOutcome run(JobControl control) throws Exception;

    /** It was cancelled before it began, and {@link #run} is never called: what it holds is given up here. */
    default void dropped() {
        // Most hold nothing.
    }
}
