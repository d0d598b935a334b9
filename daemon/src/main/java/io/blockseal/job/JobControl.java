package io.blockseal.job;

/**
 * The side of a job that its work sees: it tells here how far it is, and is told here to pause or to end. The work does
 * not know whether a command waits for it at a terminal or a daemon runs it beside its guests. On the thread of the work.
 */
public interface JobControl {
    /** Nobody watches, nobody interferes. */
    JobControl ALONE = new JobControl() {
        @Override
        public void checkpoint() {
            // Nobody wants anything.
        }

        @Override
        public void phase(String words) {
            // Nobody reads it.
        }

        @Override
        public void progress(long done, long total) {
            // Nobody reads it.
        }
    };

    /**
     * Called often, at least once a second and wherever the work could stop with nothing half done. Returns at once as a
     * rule; waits here while the job is paused.
     *
     * @throws JobCanceledException if the job is to end here: somebody cancelled it, or the daemon stops
     */
    void checkpoint() throws JobCanceledException;

    /** Whether {@link #checkpoint} would not return at once: who is in the middle of something gives it up, or ends it. */
    default boolean isDisturbed() {
        return false;
    }

    /** What is being done now, in a few words for people: {@code "rewrapping the table"}. */
    void phase(String words);

    /** {@code done} of {@code total} are behind us, in bytes if the work moves data, else in whatever it counts. */
    void progress(long done, long total);
}
