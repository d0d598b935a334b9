package io.blockseal.job;

import java.util.Locale;

/** Where in its life a job is. */
public enum JobState {
    /** Waits until one of those that run has ended. */
    QUEUED(false),
    /** Its work is being done. */
    RUNNING(false),
    /** Stands at a checkpoint, or not yet begun, until somebody resumes it. */
    PAUSED(false),
    /** All of its work is done. */
    DONE(true),
    /** Its work ended by an error; what was finished by then stays. */
    FAILED(true),
    /** Was told to end before it was finished; what was finished by then stays. */
    CANCELED(true);

    private final boolean ended;

    JobState(boolean ended) {
        this.ended = ended;
    }

    /** Whether nothing changes about it any more. */
    public boolean ended() {
        return ended;
    }

    /** The word in JSON, on the command line and in metrics. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
