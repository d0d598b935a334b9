package io.blockseal.app.verb;

import io.blockseal.job.JobOutcome;
import java.util.Set;

/**
 * Something that can be done to a volume. It says the same words with the same exit code wherever it is done. Without
 * state; a failure is an exception as from any command.
 */
public interface VolumeVerb {
    /** What must be had of the volume to do it. */
    enum Needs {
        /** What can be read without a key: no lock is taken, and whoever serves it is not disturbed. */
        HEAD,
        /** The volume, open for reading. */
        READ,
        /** The volume, open for writing. */
        WRITE
    }

    /** Its word: the end of the path of its requests, and what jobs call it. */
    String name();

    /** What it needs. */
    Needs needs();

    /** Whether it makes sense only for a volume that a daemon serves. */
    default boolean isForServedOnly() {
        return false;
    }

    /** Whether it may take longer than somebody waits for an answer: then it is a job in a daemon. */
    default boolean isLong() {
        return false;
    }

    /** Whether it asks for a key that opens the volume even if the volume is open. */
    default boolean wantsKey() {
        return false;
    }

    /** Whether it takes the keys of several key slots. */
    default boolean takesSeveralKeys() {
        return false;
    }

    /** Whether it may leave the volume with other keys than before. */
    default boolean changesKeys() {
        return false;
    }

    /**
     * Whether it opens what its arguments name, files or addresses, with the rights of whoever does it: of a daemon then
     * only root and the daemon's own user may want it.
     */
    default boolean opensPlaces() {
        return false;
    }

    /** What of the volume it wants to itself; jobs that share a claim exclude each other. */
    default Set<String> claims() {
        return Set.of();
    }

    /**
     * Does it. First it takes all that it wants from {@link VerbCall#arguments} and calls
     * {@link VerbCall#requireAllKnown}, and only then changes anything. On a job's thread, or the command's.
     */
    JobOutcome run(VerbCall call) throws Exception;
}
