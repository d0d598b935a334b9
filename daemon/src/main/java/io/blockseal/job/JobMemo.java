package io.blockseal.job;

/**
 * What is remembered of a job that outlives the daemon, until it is done, has failed or is cancelled.
 *
 * @param id its number, which it keeps
 * @param verb what it does
 * @param volume the volume, by its export's name
 * @param paused whether somebody has paused it: then it begins paused
 * @param memo {@link JobRequest#memo}
 * @param by {@link JobRequest#by}
 */
public record JobMemo(long id, String verb, String volume, boolean paused, String memo, String by) {}
