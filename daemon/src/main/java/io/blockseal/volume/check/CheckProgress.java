package io.blockseal.volume.check;

/** Told how far a check is, so that somebody who waits for it can see that it moves. */
@FunctionalInterface
public interface CheckProgress {
    /** Tells nobody. */
    CheckProgress SILENT = (done, total) -> {};

    /** {@code done} of {@code total} table pages were looked at. On the checking thread. */
    void pages(long done, long total);
}
