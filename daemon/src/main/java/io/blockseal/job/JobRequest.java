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
 * @param by who wants it: {@link #OPERATOR}, or what in the daemon does
 * @param work what to do
 */
public record JobRequest(
        String verb,
        String volume,
        Set<String> claims,
        @Nullable String memo,
        String by,
        JobWork work) {
    /** The claim that excludes every other job on the volume. */
    public static final String EVERYTHING = "*";

    /** Somebody asked for it. */
    public static final String OPERATOR = "operator";

    /** A job that somebody asked for. */
    public JobRequest(String verb, String volume, Set<String> claims, @Nullable String memo, JobWork work) {
        this(verb, volume, claims, memo, OPERATOR, work);
    }

    /** Whether somebody asked for it. */
    boolean wasAskedFor() {
        return by.equals(OPERATOR);
    }

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
