package io.blockseal.store.file;

import io.blockseal.block.Errno;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreInUseException;
import io.blockseal.store.StoreOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The single-writer lock of a store: a POSIX record lock over the whole file, exclusive for a writer, shared for readers.
 *
 * <p>Two daemons on one volume destroy it silently, so the second is refused; and so is who wants to read guest data that
 * another process changes. Only who looks at metadata does without ({@link StoreOptions#PEEK}). The system drops such a
 * lock when the process closes <em>any</em> descriptor of the file; nothing else in the daemon opens a store's file. It does
 * not reach over machines unless the filesystem makes it so (docs/operations.md).
 */
final class StoreLock implements AutoCloseable {
    /** The files that this process has locked, by device and inode. */
    private static final Set<Object> HELD = ConcurrentHashMap.newKeySet();

    private final FileChannel channel;
    private final Object key;

    private StoreLock(FileChannel channel, Object key) {
        this.channel = channel;
        this.key = key;
    }

    /** Takes the lock or says who has it. */
    static StoreLock take(Path path, boolean shared) throws StoreException {
        Object key = keyOf(path);
        // Found out before the file is touched: closing a second descriptor of it would let go of the first one's lock.
        if (!HELD.add(key)) {
            throw new StoreInUseException(path + ": already open in this process.");
        }
        FileChannel channel = null;
        StoreLock held = null;
        try {
            channel = shared
                    ? FileChannel.open(path, StandardOpenOption.READ)
                    : FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
            FileLock lock = channel.tryLock(0, Long.MAX_VALUE, shared);
            if (lock == null) {
                throw busy(path, shared);
            }
            held = new StoreLock(channel, key);
            return held;
        } catch (IOException e) {
            throw FileStores.failed(path, "lock it", e);
        } finally {
            if (held == null) {
                closeQuietly(channel);
                HELD.remove(key);
            }
        }
    }

    /** Refuses a file that this process has locked: for who wants to open it without a lock. */
    static void requireNotHeld(Path path) throws StoreException {
        if (HELD.contains(keyOf(path))) {
            throw new StoreInUseException(path + ": already open in this process.");
        }
    }

    /** Refuses a name that is another file's by now: what was opened by it since need not be what is locked. */
    void requireStill(Path path) throws StoreException {
        if (!keyOf(path).equals(key)) {
            throw new StoreException(
                    Errno.EINVAL, path + ": another file took its place while it was opened. Try again.");
        }
    }

    private static Object keyOf(Path path) throws StoreException {
        try {
            Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
            return key == null ? path.toRealPath() : key;
        } catch (IOException e) {
            throw FileStores.failed(path, "lock it", e);
        }
    }

    private static StoreInUseException busy(Path path, boolean shared) {
        String holder = holderOf(path);
        String who = holder.isEmpty() ? "" : " (process " + holder + ")";
        return new StoreInUseException(
                shared
                        ? path + ": already open for writing elsewhere" + who
                                + "; what is read meanwhile would be partly old and partly new. Read it through that"
                                + " process, or stop it first."
                        : path + ": already open elsewhere" + who
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
        HELD.remove(key);
    }
}
