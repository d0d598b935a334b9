package io.blockseal.volume.metadata;

import io.blockseal.store.BlockStore;
import org.jspecify.annotations.Nullable;

/**
 * The stores of a volume.
 *
 * @param data where ciphertext lies
 * @param metadata where roots, key slots and table lie: the same store (in-band) or one of their own (detached)
 * @param mirror where the metadata lies once more, or null
 * @param logName what the log and the audit log call the volume: where its data lies, unless it is served under a name
 */
public record VolumeStores(
        BlockStore data, BlockStore metadata, @Nullable BlockStore mirror, String logName) {
    /** Of a volume that is not served. */
    public VolumeStores(BlockStore data, BlockStore metadata, @Nullable BlockStore mirror) {
        this(data, metadata, mirror, data.name());
    }

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
        return new VolumeStores(data, metadata, newMirror, logName);
    }

    /** The same under the name by which it is served. */
    public VolumeStores loggedAs(String newName) {
        return new VolumeStores(data, metadata, mirror, newName);
    }

    /** What messages call the volume: where its data lies. */
    public String name() {
        return data.name();
    }

    /** Whether the metadata has a store of its own. */
    public boolean detached() {
        return data != metadata;
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
