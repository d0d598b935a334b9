package io.blockseal.volume;

import io.blockseal.store.BlockStore;

/**
 * The stores of a volume.
 *
 * @param data where ciphertext lies
 * @param metadata where roots, key slots and table lie: the same store (in-band) or one of their own (detached)
 */
public record VolumeStores(BlockStore data, BlockStore metadata) {
    /** Metadata in-band. */
    public static VolumeStores inBand(BlockStore store) {
        return new VolumeStores(store, store);
    }

    /** Whether the metadata has a store of its own. */
    public boolean detached() {
        return data != metadata;
    }

    /** What messages call the volume. */
    public String name() {
        return data.name();
    }

    /** Closes both. */
    public void close() {
        data.close();
        if (detached()) {
            metadata.close();
        }
    }
}
