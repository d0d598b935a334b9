package io.blockseal.admin;

import io.blockseal.metrics.KeyChanges;
import io.blockseal.metrics.KeyFigures;
import io.blockseal.metrics.Remembered;
import io.blockseal.metrics.RotationMetrics;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeKeyRotation;

/**
 * How the keys of one export's volume are, for {@code /metrics}. Only of a volume that was opened.
 *
 * @param export its name
 * @param figures what the key table says, as of some seconds ago at most
 * @param nowSeconds what time it is to the volume, Unix time
 * @param freeSlots how many slots are free for a range to be copied to
 * @param changes what happened to its keys since it was opened
 * @param volumeKey how far a rotation of the volume key is
 * @param rotation how far a rotation of DEKs is
 */
public record ExportKeys(
        String export,
        KeyFigures figures,
        long nowSeconds,
        long freeSlots,
        KeyChanges changes,
        VolumeKeyRotation.Standing volumeKey,
        RotationMetrics rotation) {
    /**
     * Of a volume as it is now.
     *
     * @param figures what is remembered of {@link Volume#keyFigures}
     */
    public static ExportKeys of(String export, Volume volume, Remembered<KeyFigures> figures) {
        return new ExportKeys(
                export,
                figures.get(() ->
                        volume.keyFigures(volume.rotationMetrics().standing().sinceSeconds())),
                volume.nowSeconds(),
                volume.freeSlots(),
                volume.keyChanges(),
                volume.volumeKeyRotation().standing(),
                volume.rotationMetrics());
    }

    /** How old a DEK is that was made then; a clock that was ahead once makes none younger than 0. */
    long ageSeconds(long madeSeconds) {
        return Math.max(0, nowSeconds - madeSeconds);
    }
}
