package io.blockseal.app.setup;

import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreInUseException;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the one to three stores that a volume lies on. */
public final class StoreOpening {
    private static final Logger LOG = LoggerFactory.getLogger(StoreOpening.class);

    private StoreOpening() {}

    /**
     * All of them, or none if the data or the metadata cannot be had. A mirror that is missing is made; without one that
     * fails the volume is opened all the same, since what the mirror is for is to be there when something else is not.
     *
     * @param name what the log calls the volume
     * @throws StoreInUseException also if the mirror is in use, by this volume or another: then it is named wrongly
     */
    public static VolumeStores open(
            FileStores files,
            Path path,
            @Nullable Path meta,
            @Nullable Path metaMirror,
            StoreOptions options,
            String name)
            throws StoreException {
        BlockStore data = files.open(path, options);
        BlockStore metadata = null;
        VolumeStores complete = null;
        try {
            metadata = meta == null ? data : files.open(meta, options);
            complete = new VolumeStores(
                    data, metadata, metaMirror == null ? null : mirror(files, name, metaMirror, options));
            return complete;
        } finally {
            if (complete == null) {
                if (metadata != null && metadata != data) {
                    metadata.close();
                }
                data.close();
            }
        }
    }

    private static @Nullable BlockStore mirror(FileStores files, String name, Path metaMirror, StoreOptions options)
            throws StoreInUseException {
        boolean missing = !Files.exists(metaMirror, LinkOption.NOFOLLOW_LINKS);
        if (missing && options.readOnly()) {
            LOG.warn("volume={} mirror={}: there is no such file; going on without", name, metaMirror);
            return null;
        }
        try {
            // Never past the page cache: it is small, and seldom written.
            StoreOptions how = new StoreOptions(options.readOnly(), false, options.locked());
            return missing ? files.create(metaMirror, how) : files.open(metaMirror, how);
        } catch (StoreInUseException inUse) {
            throw inUse;
        } catch (StoreException failed) {
            LOG.error(
                    "volume={} mirror={}: the metadata mirror cannot be opened, and the volume goes on without: {}",
                    name,
                    metaMirror,
                    failed.getMessage());
            return null;
        }
    }
}
