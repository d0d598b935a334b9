package io.blockseal.store.file;

import io.blockseal.memory.Memory;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/**
 * A file through the JDK, for when the native shim is absent. Correct, not fast: it allocates a view per call, knows no
 * holes (zeroing writes zeros, everything counts as data) and needs pool threads.
 */
final class JdkFile implements SystemFile {
    private static final int EIO = -5;
    private static final int ENOSPC = -28;

    private final FileChannel channel;
    private final Path path;

    JdkFile(FileChannel channel, Path path) {
        this.channel = channel;
        this.path = path;
    }

    /** Opens by the JDK. */
    static SystemFile open(Path path, StoreOptions options) throws StoreException {
        Set<OpenOption> how = new HashSet<>();
        how.add(StandardOpenOption.READ);
        if (!options.readOnly()) {
            how.add(StandardOpenOption.WRITE);
        }
        if (options.direct()) {
            how.add(com.sun.nio.file.ExtendedOpenOption.DIRECT);
        }
        try {
            return new JdkFile(FileChannel.open(path, how), path);
        } catch (IOException | UnsupportedOperationException e) {
            throw FileStores.failed(path, "open it", e);
        }
    }

    @Override
    public boolean fast() {
        return false;
    }

    @Override
    public int read(Memory memory, int memoryOffset, int length, long offset) {
        ByteBuffer target = memory.bytes().slice(memoryOffset, length);
        try {
            while (target.hasRemaining()) {
                int n = channel.read(target, offset + target.position());
                if (n < 0) {
                    break;
                }
            }
            return target.position();
        } catch (IOException e) {
            return numberOf(e);
        }
    }

    @Override
    public int readCached(Memory memory, int memoryOffset, int length, long offset) {
        return WOULD_BLOCK;
    }

    @Override
    public int write(Memory memory, int memoryOffset, int length, long offset) {
        ByteBuffer source = memory.bytes().slice(memoryOffset, length);
        try {
            while (source.hasRemaining()) {
                channel.write(source, offset + source.position());
            }
            return length;
        } catch (IOException e) {
            return numberOf(e);
        }
    }

    @Override
    public int writeDurably(Memory memory, int memoryOffset, int length, long offset) {
        int written = write(memory, memoryOffset, length, offset);
        if (written < 0) {
            return written;
        }
        int synced = sync();
        return synced < 0 ? synced : written;
    }

    @Override
    public int sync() {
        try {
            channel.force(false);
            return 0;
        } catch (IOException e) {
            return numberOf(e);
        }
    }

    @Override
    public int punch(long offset, long lengthBytes) {
        return NOT_SUPPORTED;
    }

    @Override
    public int zeroOut(long offset, long lengthBytes) {
        return NOT_SUPPORTED;
    }

    @Override
    public long nextData(long offset) {
        return UNKNOWN;
    }

    @Override
    public long nextHole(long offset) {
        return UNKNOWN;
    }

    @Override
    public int resize(long sizeBytes) {
        try {
            if (sizeBytes < channel.size()) {
                channel.truncate(sizeBytes);
            } else if (sizeBytes > channel.size()) {
                // A byte at the very end makes the file sparse up to it, as truncation upwards would.
                ByteBuffer zero = ByteBuffer.allocate(1);
                channel.write(zero, sizeBytes - 1);
            }
            return 0;
        } catch (IOException e) {
            return numberOf(e);
        }
    }

    @Override
    public FileFacts facts() {
        FileFacts.Kind kind = Files.isRegularFile(path)
                ? FileFacts.Kind.REGULAR
                : path.startsWith("/dev") ? FileFacts.Kind.BLOCK_DEVICE : FileFacts.Kind.OTHER;
        return new FileFacts(kind, size(), size(), 4096, FileFacts.Place.ELSEWHERE);
    }

    private long size() {
        try {
            long size = channel.size();
            return size > 0 || Files.isRegularFile(path) ? size : sizeOfDevice();
        } catch (IOException e) {
            return 0;
        }
    }

    /** The JDK reports 0 for a block device; the kernel lists its size in sectors of 512 bytes. */
    private long sizeOfDevice() throws IOException {
        Path name = path.toRealPath().getFileName();
        Path size = Path.of("/sys/class/block", String.valueOf(name), "size");
        return Long.parseLong(Files.readString(size).trim()) * 512L;
    }

    /** The JDK gives words, not numbers; a full disk is the one that clients must be able to tell apart. */
    private static int numberOf(IOException e) {
        String words = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
        return words.contains("no space left") || words.contains("quota") ? ENOSPC : EIO;
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // Whatever mattered was forced before; a failing close has nothing left to lose.
            return;
        }
    }
}
