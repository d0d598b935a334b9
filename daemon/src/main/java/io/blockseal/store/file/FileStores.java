package io.blockseal.store.file;

import io.blockseal.block.Errno;
import io.blockseal.memory.Memory;
import io.blockseal.memory.MemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreInUseException;
import io.blockseal.store.StoreOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** Opens files and block devices as stores, by the native shim if there is one and by the JDK if not. */
public final class FileStores {
    private static final int BOUNCE_BYTES = 256 << 10;
    private static final int ZEROS_BYTES = 1 << 20;
    private static final int PAGE_BYTES = 4096;

    /** A disk that takes longer has a trouble of its own. */
    private static final Duration LANDING_PATIENCE = Duration.ofSeconds(10);

    private static final long LANDING_LOOK_NANOS = 20_000_000;

    private final SystemFile.Opener files;
    private final MemorySource memory;
    private final Memory zeros;
    private final Duration landingPatience;

    FileStores(SystemFile.Opener files, MemorySource memory) {
        this(files, memory, LANDING_PATIENCE);
    }

    FileStores(SystemFile.Opener files, MemorySource memory, Duration landingPatience) {
        this.landingPatience = landingPatience;
        this.files = files;
        this.memory = memory;
        this.zeros = memory.map(ZEROS_BYTES);
    }

    /** Stores through the native shim; {@code memory}'s stretches must have addresses. */
    public static FileStores withShim(Shim shim, MemorySource memory) {
        return new FileStores((path, options) -> ShimFile.open(shim, path, options), memory);
    }

    /** Stores through the JDK's own calls; {@code memory} gives each store a buffer for metadata. */
    public static FileStores withJdk(MemorySource memory) {
        return new FileStores(JdkFile::open, memory);
    }

    /**
     * Opens an existing file or block device and takes its lock.
     *
     * @throws StoreException if it is missing, not readable, neither file nor block device, or in use
     */
    public BlockStore open(Path path, StoreOptions options) throws StoreException {
        return open(path, options, false);
    }

    /**
     * Makes a new, empty regular file (mode 0600) and opens it; {@link BlockStore#grow} gives it its size.
     *
     * @throws StoreException if something by that name is there already
     */
    public BlockStore create(Path path, StoreOptions options) throws StoreException {
        try {
            Files.createFile(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (IOException e) {
            throw failed(path, "create it", e);
        }
        BlockStore created = open(path, options, true);
        try {
            forceFolderOf(path);
            return created;
        } catch (IOException e) {
            created.close();
            deleteQuietly(path);
            throw failed(path, "make its name durable", e);
        }
    }

    private BlockStore open(Path path, StoreOptions options, boolean fresh) throws StoreException {
        if (!Files.exists(path)) {
            throw new StoreException(
                    Errno.EINVAL, path + ": no such file. Make a volume first: blockseal create " + path);
        }
        StoreLock lock = null;
        if (options.locked()) {
            lock = StoreLock.take(path, options.readOnly());
        } else {
            StoreLock.requireNotHeld(path);
        }
        SystemFile file = null;
        FileStore opened = null;
        try {
            file = files.open(path, options);
            if (lock != null) {
                lock.requireStill(path);
            }
            FileFacts facts = file.facts();
            if (facts.kind() == FileFacts.Kind.OTHER) {
                throw new StoreException(
                        Errno.EINVAL, path + ": neither a regular file nor a block device; it cannot hold a volume.");
            }
            if (lock != null && facts.place() == FileFacts.Place.DISK) {
                awaitLanding(path, file, options.readOnly());
            }
            Zeroing zeroing = Zeroing.probe(file, facts, options.readOnly(), zeros);
            Memory bounce = memory.map(BOUNCE_BYTES);
            int alignmentBytes = options.direct() ? alignmentOf(file, facts, bounce) : 1;
            opened = new FileStore(path, file, facts, options, alignmentBytes, zeroing, bounce, lock);
            return opened;
        } catch (StoreException e) {
            if (fresh) {
                deleteQuietly(path);
            }
            throw e;
        } finally {
            if (opened == null) {
                if (file != null) {
                    file.close();
                }
                if (lock != null) {
                    lock.close();
                }
            }
        }
    }

    /**
     * The writer before us may have been killed with writes under way in a ring. They still land, over whatever we would
     * write or have read meanwhile; and its lock is gone with its process. Over a network there are no rings, and the locks
     * are one.
     */
    private void awaitLanding(Path path, SystemFile file, boolean shared) throws StoreException {
        long deadline = System.nanoTime() + landingPatience.toNanos();
        while (!file.lockUntilAllHasLanded(shared)) {
            if (System.nanoTime() - deadline > 0) {
                throw new StoreInUseException(path
                        + ": somebody has it locked (flock): a process that was killed, whose writes the disk has not"
                        + " finished yet, or another program. Try again when the disk answers.");
            }
            LockSupport.parkNanos(LANDING_LOOK_NANOS);
        }
    }

    /** A flush makes a file's contents durable, not its name. */
    private static void forceFolderOf(Path path) throws IOException {
        Path folder = path.toAbsolutePath().getParent();
        if (folder != null) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    /**
     * What O_DIRECT needs. The system tells it of a device, but not of a file, which may lie on a disk of 4096-byte
     * sectors; there a smaller read is refused.
     */
    private static int alignmentOf(SystemFile file, FileFacts facts, Memory bounce) {
        int told = facts.logicalBlockBytes();
        return told < PAGE_BYTES && file.read(bounce, 0, told, told) < 0 ? PAGE_BYTES : told;
    }

    private static void deleteQuietly(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // The caller's own error says more than a left-over empty file.
            return;
        }
    }

    /** What went wrong with a file, in words for an operator. */
    static StoreException failed(Path path, String what, Exception e) {
        if (e instanceof NoSuchFileException) {
            return new StoreException(Errno.EINVAL, path + ": no such file or directory.", e);
        }
        if (e instanceof AccessDeniedException) {
            return new StoreException(Errno.EPERM, path + ": permission denied; cannot " + what + " as this user.", e);
        }
        if (e instanceof FileAlreadyExistsException) {
            return new StoreException(
                    Errno.EINVAL,
                    path + ": exists already and is left alone. Choose another name or remove it first.",
                    e);
        }
        String words = e.getMessage();
        return new StoreException(Errno.EIO, path + ": cannot " + what + ": " + words, e);
    }
}
