package io.blockseal.app;

import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.VolumeStores;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Opens the one or two stores that a volume lies on. */
public final class StoreOpening {
    private StoreOpening() {}

    /** Both, or none if the second cannot be had. */
    public static VolumeStores open(FileStores files, Path path, @Nullable Path meta, StoreOptions options)
            throws StoreException {
        BlockStore data = files.open(path, options);
        if (meta == null) {
            return VolumeStores.inBand(data);
        }
        BlockStore metadata = null;
        try {
            metadata = files.open(meta, options);
            return new VolumeStores(data, metadata);
        } finally {
            if (metadata == null) {
                data.close();
            }
        }
    }
}
