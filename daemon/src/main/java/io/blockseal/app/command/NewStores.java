package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The stores of a volume that is being made; files that were made for it go again unless {@link #keep} is called. */
final class NewStores implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NewStores.class);

    private final VolumeStores stores;
    private final List<Path> made;

    private NewStores(VolumeStores stores, List<Path> made) {
        this.stores = stores;
        this.made = made;
    }

    /** Makes the files, or opens the block device; a regular file that is there already is refused. */
    static NewStores make(FileStores files, Path path, @Nullable Path meta, @Nullable Path metaMirror, boolean sized)
            throws StoreException, CommandException {
        List<Path> made = new ArrayList<>();
        BlockStore data = null;
        BlockStore metadata = null;
        BlockStore mirror = null;
        NewStores complete = null;
        try {
            data = one(files, path, sized, made);
            metadata = meta == null ? data : one(files, meta, true, made);
            mirror = metaMirror == null ? null : one(files, metaMirror, true, made);
            complete = new NewStores(new VolumeStores(data, metadata, mirror), made);
            return complete;
        } finally {
            if (complete == null) {
                if (data != null) {
                    data.close();
                }
                if (metadata != null && metadata != data) {
                    metadata.close();
                }
                remove(made);
            }
        }
    }

    private static BlockStore one(FileStores files, Path path, boolean sized, List<Path> made)
            throws StoreException, CommandException {
        if (isDevice(path)) {
            return files.open(path, StoreOptions.BUFFERED);
        }
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    path + " exists already and is left alone.\n  Choose another name, or remove it first.");
        }
        if (!sized) {
            throw new CommandException(ExitCode.USAGE, "--size is needed to make the file " + path + ", such as 10G.");
        }
        BlockStore store = files.create(path, StoreOptions.BUFFERED);
        made.add(path);
        return store;
    }

    /** Whether it is a block device, or a link to one. */
    static boolean isDevice(Path path) {
        try {
            // A device is neither; a symbolic link to one, as in /dev/disk/by-id, is followed.
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            return attributes.isOther();
        } catch (IOException missing) {
            return false;
        }
    }

    VolumeStores stores() {
        return stores;
    }

    /** The volume is whole: its files stay. */
    void keep() {
        made.clear();
    }

    @Override
    public void close() {
        stores.close();
        remove(made);
    }

    private static void remove(List<Path> made) {
        for (Path path : made) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException stays) {
                LOG.warn("{} was begun but is no volume; remove it: {}", path, FileTrouble.words(stays));
            }
        }
    }
}
