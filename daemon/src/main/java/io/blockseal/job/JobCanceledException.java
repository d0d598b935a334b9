package io.blockseal.job;

/** Thrown out of work that was told to end before it was finished. What it had finished by then stays. */
public final class JobCanceledException extends Exception {
    private static final long serialVersionUID = 1L;

    /** {@code reason} in words that a user is shown. */
    public JobCanceledException(String reason) {
        super(reason);
    }
}
