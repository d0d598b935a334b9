package io.blockseal.transfer;

/**
 * What a transfer came to.
 *
 * @param lengthBytes how much was copied, zeros included
 * @param dataBytes how much of it was written as data, by this run
 * @param resumedAt where this run went on, 0 if it began at the beginning
 * @param sourceSha256 sum of the source as it was read, in hex; empty if nobody wanted one
 * @param targetSha256 sum of what was read back, in hex; empty if nothing was
 * @param copyMillis how long the copying took
 * @param verifyMillis how long the reading back took
 */
public record TransferReport(
        long lengthBytes,
        long dataBytes,
        long resumedAt,
        String sourceSha256,
        String targetSha256,
        long copyMillis,
        long verifyMillis) {
    /** Whether it was read back and found the same. */
    public boolean verified() {
        return !targetSha256.isEmpty();
    }
}
