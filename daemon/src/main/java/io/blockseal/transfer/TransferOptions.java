package io.blockseal.transfer;

/**
 * How a transfer is to be done.
 *
 * @param verify read everything back afterwards and compare the sums
 * @param resume go on where an earlier one was interrupted
 * @param force write over what the target holds
 * @param checkpointMillis how often to make durable what was copied, and to note how far that is
 */
public record TransferOptions(boolean verify, boolean resume, boolean force, long checkpointMillis) {
    /** With verification, onto an empty target, a checkpoint every five seconds. */
    public static final TransferOptions DEFAULT = new TransferOptions(true, false, false, 5_000);

    public TransferOptions verifying(boolean newVerify) {
        return new TransferOptions(newVerify, resume, force, checkpointMillis);
    }

    public TransferOptions resuming(boolean newResume) {
        return new TransferOptions(verify, newResume, force, checkpointMillis);
    }

    public TransferOptions forced(boolean newForce) {
        return new TransferOptions(verify, resume, newForce, checkpointMillis);
    }

    public TransferOptions withCheckpointMillis(long millis) {
        return new TransferOptions(verify, resume, force, millis);
    }
}
