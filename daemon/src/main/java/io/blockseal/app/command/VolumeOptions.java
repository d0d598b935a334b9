package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.tending.Keeper;
import io.blockseal.config.KeyConfig;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Parameters;

/** Which existing volume a one-off command is about: one that a daemon may serve, or one that must lie in a file here. */
public abstract class VolumeOptions extends VolumeOpening {
    private Path path = Path.of("");

    /** Of a command that has a daemon do it if one serves the volume. */
    public static final class Any extends VolumeOptions {
        @Parameters(
                arity = "1",
                paramLabel = "VOLUME",
                description =
                        "The volume's file or block device; of one that is served also its export's name or its UUID.")
        void volume(Path named) {
            name(named);
        }
    }

    /** Of a command that reads or writes the file itself, whoever serves it. */
    public static final class Here extends VolumeOptions {
        @Parameters(arity = "1", paramLabel = "VOLUME", description = "The volume's file or block device.")
        void volume(Path named) {
            name(named);
        }
    }

    final void name(Path named) {
        path = named;
    }

    /** The volume's file or block device. */
    Path path() {
        return path;
    }

    /** Its stores; the caller closes them. */
    VolumeStores stores(Foundation foundation, StoreOptions how) throws StoreException {
        return stores(foundation, path, how);
    }

    /** Opens it; metadata commits run on {@code keeper}. The volume owns its stores, and the caller closes it. */
    Volume open(Foundation foundation, KeySource key, KeyOptions keys, boolean readOnly, Keeper keeper)
            throws CommandException, StoreException, MalformedVolumeException, VolumeRefusedException,
                    KeySourceException, WrongKeyException {
        return open(foundation, path, key, keys, readOnly, keeper);
    }

    /** Likewise, for writing, with several keys at hand. */
    Volume open(Foundation foundation, List<KeySource> sources, KeyOptions keys, Keeper keeper)
            throws CommandException, StoreException, MalformedVolumeException, VolumeRefusedException,
                    KeySourceException, WrongKeyException {
        return open(foundation, path, sources, keys, false, keeper);
    }

    /** All keys that were named, or one asked for on the terminal. */
    List<KeySource> keys(KeyPlaces places, KeyOptions keys) throws CommandException, KeySourceException {
        List<KeySource> sources = new ArrayList<>();
        for (KeyConfig key : keys.each()) {
            sources.add(places.open(key, "Passphrase of " + path));
        }
        return sources;
    }

    /** The key that opens it. */
    KeySource key(KeyPlaces places, KeyOptions keys) throws CommandException, KeySourceException {
        return places.open(keys.one(), "Passphrase of " + path);
    }
}
