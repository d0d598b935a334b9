package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.Foundation;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.StoreOpening;
import io.blockseal.app.Surroundings;
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
import io.blockseal.volume.VolumeStores;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which existing volume a one-off command is about. */
public final class VolumeOptions {
    @Parameters(arity = "1", paramLabel = "VOLUME", description = "The volume's file or block device.")
    private Path path = Path.of("");

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

    /** The volume's file or block device. */
    Path path() {
        return path;
    }

    /** Its stores; the caller closes them. */
    VolumeStores stores(Foundation foundation, StoreOptions how) throws StoreException {
        return StoreOpening.open(foundation.files(), path, meta, metaMirror, how);
    }

    /** What this host remembers of volumes. */
    HostMemory memory() {
        return HostMemory.in(stateDir == null ? Surroundings.stateDirectory() : stateDir);
    }

    /** Whether the operator vouches for the identity that is found. */
    boolean trustIdentity() {
        return trustIdentity;
    }

    /** Opens it; metadata commits run on {@code keeper}. The volume owns its stores, and the caller closes it. */
    Volume open(Foundation foundation, KeySource key, KeyOptions keys, boolean readOnly, Executor keeper)
            throws CommandException, StoreException, MalformedVolumeException, VolumeRefusedException,
                    KeySourceException, WrongKeyException {
        VolumeStores stores = stores(foundation, new StoreOptions(readOnly, false));
        HostMemory memory = memory();
        OpenOptions options = new OpenOptions(readOnly, null, keys.keySlot(), acceptRollback, trustIdentity, 1);
        Volume opened = null;
        try {
            opened = new VolumeOpener(foundation.engine(), memory, keeper, InstantSource.system())
                    .open(stores, List.of(key), options);
            return opened;
        } finally {
            if (opened == null) {
                stores.close();
            }
        }
    }

    /** The key that opens it. */
    KeySource key(KeyPlaces places, KeyOptions keys) throws CommandException, KeySourceException {
        return places.open(keys.one(), "Passphrase of " + path);
    }
}
