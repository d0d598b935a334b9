package io.blockseal.volume.metadata;

import io.blockseal.store.BlockStore;
import org.jspecify.annotations.Nullable;

/**
 * The stores of a volume.
 *
 * @param data where ciphertext lies
 * @param metadata where roots, key slots and table lie: the same store (in-band) or one of their own (detached)
 * @param mirror where the metadata lies once more, or null
 */
public record VolumeStores(
        BlockStore data, BlockStore metadata, @Nullable BlockStore mirror) {
    /** Without a mirror. */
    public VolumeStores(BlockStore data, BlockStore metadata) {
        this(data, metadata, null);
    }

    /** Metadata in-band. */
    public static VolumeStores inBand(BlockStore store) {
        return new VolumeStores(store, store);
    }

    /** The same with its metadata once more on {@code newMirror}, or with no mirror. */
    public VolumeStores mirroredOn(@Nullable BlockStore newMirror) {
        return new VolumeStores(data, metadata, newMirror);
    }

    /** Whether the metadata has a store of its own. */
    public boolean detached() {
        return data != metadata;
    }

    /** What messages call the volume. */
    public String name() {
        return data.name();
    }

    /** Closes all of them. */
    public void close() {
        data.close();
        if (detached()) {
            metadata.close();
        }
        if (mirror != null) {
            mirror.close();
        }
    }
}
