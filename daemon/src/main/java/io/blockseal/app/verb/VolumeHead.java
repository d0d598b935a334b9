package io.blockseal.app.verb;

import io.blockseal.store.StoreException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeInfo;

/**
 * What can be told of a volume without a key.
 *
 * @param info its metadata's head
 * @param storeBytes how large its data store is
 * @param allocatedBytes how much of that the storage has given
 */
public record VolumeHead(VolumeInfo info, long storeBytes, long allocatedBytes) {
    /** Of an open volume. */
    public static VolumeHead of(Volume volume) throws StoreException {
        return new VolumeHead(
                volume.info(),
                volume.dataStore().sizeBytes(),
                volume.dataStore().allocatedBytes());
    }
}
