package io.blockseal.volume.header;

import io.blockseal.volume.KeySlotInfo;
import java.util.List;
import java.util.UUID;

/**
 * What restoring a header backup would do to a volume.
 *
 * @param volume its name
 * @param backupCommit the backup's commit, and {@code backupSeconds} when that was made, Unix time
 * @param volumeCommit the volume's own last commit, 0 if it has none left
 * @param volumeSeconds when that was made
 * @param sizeBytes what clients will see; {@code sizeBytesBefore} what they see now, 0 if nobody knows
 * @param lost ranges whose data since the backup would be lost: the backup does not know the DEK that they have now
 * @param unknown ranges of which nobody knows, since what the volume knew of them is damaged
 * @param emptied those of {@code lost} that read as zeros afterwards; the others show what they were at the backup
 * @param returning ranges that read as zeros now and have data again afterwards; what was shredded comes back
 * @param returningSlots key slots that open the volume again
 * @param leavingSlots key slots that no longer open it
 * @param keptSlots key slots that go on opening it
 * @param damage what of the volume's own metadata is damaged, for people
 */
public record RestorePreview(
        String volume,
        UUID uuid,
        long backupCommit,
        long backupSeconds,
        long volumeCommit,
        long volumeSeconds,
        long sizeBytes,
        long sizeBytesBefore,
        RangeRuns lost,
        RangeRuns unknown,
        RangeRuns emptied,
        RangeRuns returning,
        List<KeySlotInfo> returningSlots,
        List<KeySlotInfo> leavingSlots,
        List<KeySlotInfo> keptSlots,
        List<String> damage) {

    /** How many ranges lose data, or may: what an operator has to accept. */
    public long lossCount() {
        return lost.count() + unknown.count();
    }
}
