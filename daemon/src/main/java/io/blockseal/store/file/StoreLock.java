package io.blockseal.store.file;

import io.blockseal.store.StoreException;
import io.blockseal.store.StoreInUseException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The single-writer lock of a store: a POSIX record lock over the whole file, exclusive for a writer, shared for readers.
 *
 * <p>Two daemons on one volume destroy it silently, so the second is refused. The system drops such a lock when the
 * process closes <em>any</em> descriptor of the file; nothing else in the daemon opens a store's file. It does not reach
 * over machines unless the filesystem makes it so (docs/operations.md).
 */
final class StoreLock implements AutoCloseable {
    private final FileChannel channel;

    private StoreLock(FileChannel channel) {
        this.channel = channel;
    }

    /** Takes the lock or says who has it. */
    static StoreLock take(Path path, boolean shared) throws StoreException {
        FileChannel channel = null;
        try {
            channel = shared
                    ? FileChannel.open(path, StandardOpenOption.READ)
                    : FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock(0, Long.MAX_VALUE, shared);
            if (lock == null) {
                throw busy(path);
            }
            StoreLock held = new StoreLock(channel);
            channel = null;
            return held;
        } catch (OverlappingFileLockException ownLock) {
            throw new StoreInUseException(path + ": already open in this process.");
        } catch (IOException e) {
            throw FileStores.failed(path, "lock it", e);
        } finally {
            closeQuietly(channel);
        }
    }

    private static StoreInUseException busy(Path path) {
        String holder = holderOf(path);
        return new StoreInUseException(
                path + ": already open elsewhere" + (holder.isEmpty() ? "" : " (process " + holder + ")")
                        + "; only one process may use a volume at a time. Stop the other one first.");
    }

    /** The process that holds a lock on the file, from the system's list; empty if it does not tell. */
    private static String holderOf(Path path) {
        try {
            Object inode = Files.getAttribute(path, "unix:ino");
            List<String> locks = Files.readAllLines(Path.of("/proc/locks"));
            for (String line : locks) {
                // "1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF"
                String[] fields = line.trim().split("\\s+");
                if (fields.length >= 6 && fields[5].endsWith(":" + inode)) {
                    return fields[4];
                }
            }
        } catch (IOException | UnsupportedOperationException e) {
            return "";
        }
        return "";
    }

    private static void closeQuietly(@Nullable FileChannel channel) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                // Nothing was locked and nothing was written: there is nothing to lose.
                return;
            }
        }
    }

    @Override
    public void close() {
        closeQuietly(channel);
    }
}
