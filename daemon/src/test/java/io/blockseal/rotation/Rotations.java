package io.blockseal.rotation;

import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.memory.Memory;
import io.blockseal.store.StoreException;
import io.blockseal.volume.EngineHere;
import io.blockseal.volume.Patience;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.WrittenChunks;
import java.time.Instant;

/** Rotations for tests whose ranges have few chunks: each is copied before the range is held, if it can be. */
public final class Rotations {
    private static final Memory CHUNK = EngineHere.memoryHere().map(WrittenChunks.CHUNK_BYTES);

    private Rotations() {}

    /** Gives one range a new DEK, on this thread. Whether it has got one. */
    public static boolean rotate(Volume volume, long range, Patience patience)
            throws StoreException, VolumeRefusedException, JobCanceledException {
        RateLimit asFastAsItGoes = new RateLimit(Long.MAX_VALUE, System::nanoTime);
        return new DekRotation(volume, CHUNK, asFastAsItGoes, patience, nanos -> {}, 0)
                        .run(new RangeSelection(range, range, Instant.MAX), JobControl.ALONE)
                        .rotatedRanges()
                > 0;
    }
}
