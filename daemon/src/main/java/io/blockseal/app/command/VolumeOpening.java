package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.setup.StoreOpening;
import io.blockseal.app.setup.Surroundings;
import io.blockseal.app.tending.Keeper;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a one-off command opens an existing volume, wherever it lies. */
public class VolumeOpening {
    private static final int CACHED_KEYS = 16;

    @Option(names = "--meta", paramLabel = "FILE", description = "Where its metadata lies if it is detached.")
    private @Nullable Path meta;

    @Option(
            names = "--meta-mirror",
            paramLabel = "FILE",
            description = "Where its metadata is kept once more, if it has a mirror.")
    private @Nullable Path metaMirror;

    @Option(
            names = "--state-dir",
            paramLabel = "DIR",
            description = "Where each volume's identity and last state are remembered.")
    private @Nullable Path stateDir;

    @Option(
            names = "--trust-identity",
            description = "Take the identity that is found for the right one, and remember it. Read docs/errors.md.")
    private boolean trustIdentity;

    @Option(
            names = "--accept-rollback",
            description = "Open although the metadata was put back from an older copy. Read docs/errors.md.")
    private boolean acceptRollback;

    /** Its stores; the caller closes them. */
    final VolumeStores stores(Foundation foundation, Path path, StoreOptions how) throws StoreException {
        return StoreOpening.open(foundation.files(), path, meta, metaMirror, how, path.toString());
    }

    /** What this host remembers of volumes. */
    final HostMemory memory() {
        return HostMemory.in(stateDirectory());
    }

    /** Where this host remembers. */
    final Path stateDirectory() {
        return stateDir == null ? Surroundings.stateDirectory() : stateDir;
    }

    /** Where its metadata lies if it is detached. */
    final @Nullable Path meta() {
        return meta;
    }

    /** Where its metadata is kept once more. */
    final @Nullable Path metaMirror() {
        return metaMirror;
    }

    /** Whether the operator vouches for the identity that is found. */
    final boolean trustIdentity() {
        return trustIdentity;
    }

    /**
     * Opens it; metadata commits, and their repair, run on {@code keeper}. The volume owns its stores, and the caller closes
     * it.
     */
    final Volume open(Foundation foundation, Path path, KeySource key, KeyOptions keys, boolean readOnly, Keeper keeper)
            throws CommandException, StoreException, MalformedVolumeException, VolumeRefusedException,
                    KeySourceException, WrongKeyException {
        return open(foundation, path, List.of(key), keys, readOnly, keeper);
    }

    /** Likewise, with several keys at hand. */
    final Volume open(
            Foundation foundation, Path path, List<KeySource> sources, KeyOptions keys, boolean readOnly, Keeper keeper)
            throws CommandException, StoreException, MalformedVolumeException, VolumeRefusedException,
                    KeySourceException, WrongKeyException {
        VolumeStores stores = stores(foundation, path, new StoreOptions(readOnly, false));
        HostMemory memory = memory();
        OpenOptions options =
                new OpenOptions(readOnly, null, keys.keySlot(), acceptRollback, trustIdentity, CACHED_KEYS);
        Volume opened = null;
        try {
            opened = new VolumeOpener(foundation.engine(), memory, keeper, InstantSource.system(), keeper)
                    .open(stores, sources, options);
            return opened;
        } finally {
            if (opened == null) {
                stores.close();
            }
        }
    }
}
