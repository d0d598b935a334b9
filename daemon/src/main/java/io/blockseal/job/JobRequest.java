package io.blockseal.job;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A job that somebody wants.
 *
 * @param verb what it does, in the words of the command line: {@code rotate-dek}
 * @param volume the volume that it works on, by its export's name
 * @param claims what of the volume it wants to itself, such as {@code table}: two jobs on one volume that share a claim
 *     exclude each other; {@link #EVERYTHING} excludes all others
 * @param memo what to begin again with after a restart of the daemon, as one JSON object without a secret; null if the
 *     job ends with the daemon
 * @param work what to do
 */
public record JobRequest(
        String verb,
        String volume,
        Set<String> claims,
        @Nullable String memo,
        JobWork work) {
    /** The claim that excludes every other job on the volume. */
    public static final String EVERYTHING = "*";

    /** Copies the claims. */
    public JobRequest {
        claims = Set.copyOf(claims);
    }

    /** Whether the two must not run at a time. */
    boolean excludes(JobRequest other) {
        return volume.equals(other.volume)
                && (claims.contains(EVERYTHING)
                        || other.claims.contains(EVERYTHING)
                        || claims.stream().anyMatch(other.claims::contains));
    }
}
