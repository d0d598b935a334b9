package io.blockseal.job;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A job as it was at one moment.
 *
 * @param id its number, never used again by the same daemon
 * @param verb what it does
 * @param volume the volume, by its export's name
 * @param by {@link JobRequest#by}
 * @param state where in its life it is
 * @param phase what it is doing, in a few words; may be empty
 * @param done how much is behind it, in bytes or in whatever it counts
 * @param total of how much; 0 while it is not known
 * @param created when it was asked for
 * @param started when its work began, or null
 * @param ended when it ended, or null
 * @param secondsLeft how long it may still take, judged by the pace so far; -1 if that cannot be told
 * @param outcome what it said at its end, or null; also of one that failed or was cancelled
 * @param revision grows whenever anything above changes
 */
public record Job(
        long id,
        String verb,
        String volume,
        String by,
        JobState state,
        String phase,
        long done,
        long total,
        Instant created,
        @Nullable Instant started,
        @Nullable Instant ended,
        long secondsLeft,
        @Nullable JobOutcome outcome,
        long revision) {}
