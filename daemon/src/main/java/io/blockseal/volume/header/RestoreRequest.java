package io.blockseal.volume.header;

import io.blockseal.keysource.KeySource;
import java.util.List;

/**
 * How to restore a header backup.
 *
 * @param backupName the backup, for messages
 * @param sources keys, one of which opened the volume at the time of the backup
 * @param onlySlot the one key slot of the backup to try, or -1
 * @param force go on although the store seems to hold something else, and nothing of the volume
 * @param dryRun whether the stores were opened for reading only, so that the plan cannot be carried out
 * @param trustIdentity take the backup's identity for the right one, whatever this host remembers
 */
public record RestoreRequest(
        String backupName,
        List<KeySource> sources,
        int onlySlot,
        boolean force,
        boolean dryRun,
        boolean trustIdentity) {}
