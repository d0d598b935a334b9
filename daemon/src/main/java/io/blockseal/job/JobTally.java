package io.blockseal.job;

/**
 * All jobs that do the same to the same volume, counted. For metrics.
 *
 * @param volume by its export's name
 * @param verb what they do
 * @param queued how many wait
 * @param running how many work
 * @param paused how many stand still
 * @param done how many were done since the daemon began
 * @param failed how many failed since then
 * @param canceled how many were cancelled since then
 * @param secondsLeft how long the slowest of those that have begun may still take; -1 if there is none or nobody can tell
 * @param checkpointSeconds how long ago the one for which it is longest last asked whether it is to pause or end, or
 *     began; 0 for one that is paused; -1 if none has begun
 */
public record JobTally(
        String volume,
        String verb,
        long queued,
        long running,
        long paused,
        long done,
        long failed,
        long canceled,
        long secondsLeft,
        double checkpointSeconds) {}
