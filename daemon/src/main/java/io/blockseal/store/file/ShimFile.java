package io.blockseal.store.file;

import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.memory.Memory;
import io.blockseal.shim.FileInfoBlock;
import io.blockseal.shim.IoRing;
import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreInUseException;
import io.blockseal.store.StoreOptions;
import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file through the native shim: one system call per call, straight from and to off-heap memory. */
@HotPath("every read and write of a store ends in one of these calls")
final class ShimFile implements SystemFile {
    private static final int PUNCH_KEEPING_SIZE = Shim.FALLOCATE_PUNCH_HOLE | Shim.FALLOCATE_KEEP_SIZE;
    private static final int ZERO_KEEPING_SIZE = Shim.FALLOCATE_ZERO_RANGE | Shim.FALLOCATE_KEEP_SIZE;

    private static final int WOULD_BLOCK = -11;
    private static final int BUSY = -16;
    private static final int TYPE_MASK = 0170000;
    private static final int TYPE_BLOCK = 0060000;

    private final Shim shim;
    /** -1, which the system refuses, once closed: the old number may already be another file's. */
    private volatile int descriptor;

    private ShimFile(Shim shim, int descriptor) {
        this.shim = shim;
        this.descriptor = descriptor;
    }

    /** Opens by the shim. */
    static SystemFile open(Shim shim, Path path, StoreOptions options) throws StoreException {
        boolean exclusive = !options.readOnly() && isBlockDevice(path);
        int flags = (options.readOnly() ? 0 : Shim.OPEN_WRITE)
                | (options.direct() ? Shim.OPEN_DIRECT : 0)
                // Of a device it means: not while it is mounted, or part of an array, or a swap area.
                | (exclusive ? Shim.OPEN_EXCLUSIVE : 0);
        int descriptor = descriptorOf(shim, path, flags);
        if (exclusive && descriptor == BUSY) {
            throw new StoreInUseException(
                    path + ": the system uses this device: it is mounted, or part of something (see lsblk " + path
                            + "). Release it first.");
        }
        if (descriptor < 0) {
            String hint = options.direct() && descriptor == -22
                    ? "; its filesystem has no O_DIRECT: leave that option out"
                    : "";
            throw new StoreException(
                    Errno.fromSystem(-descriptor),
                    path + ": cannot be opened (system error " + -descriptor + ")" + hint + ".");
        }
        return new ShimFile(shim, descriptor);
    }

    private static int descriptorOf(Shim shim, Path path, int flags) {
        OffHeap name = ShimLibrary.cString(path.toString());
        try {
            return shim.open(name.address(), flags);
        } finally {
            // The call sees an address only; without this the collector may free the name under it.
            Reference.reachabilityFence(name);
        }
    }

    private static boolean isBlockDevice(Path path) {
        try {
            return Files.getAttribute(path, "unix:mode") instanceof Integer mode && (mode & TYPE_MASK) == TYPE_BLOCK;
        } catch (IOException | UnsupportedOperationException e) {
            // Opening it will say more.
            return false;
        }
    }

    @Override
    public boolean fast() {
        return true;
    }

    @Override
    public int read(Memory memory, int memoryOffset, int length, long offset) {
        return (int) shim.pread(descriptor, memory.address() + memoryOffset, length, offset);
    }

    @Override
    public int readCached(Memory memory, int memoryOffset, int length, long offset) {
        return (int) shim.preadNowait(descriptor, memory.address() + memoryOffset, length, offset);
    }

    @Override
    public int write(Memory memory, int memoryOffset, int length, long offset) {
        return (int) shim.pwrite(descriptor, memory.address() + memoryOffset, length, offset);
    }

    @Override
    public int writeDurably(Memory memory, int memoryOffset, int length, long offset) {
        return (int) shim.pwriteDsync(descriptor, memory.address() + memoryOffset, length, offset);
    }

    @Override
    public int sync() {
        return shim.fdatasync(descriptor);
    }

    @Override
    public void dropCache(long offset, long lengthBytes) {
        // Advice: whoever cannot follow it (a pipe, an odd filesystem) has no such cache.
        shim.dropCache(descriptor, offset, lengthBytes);
    }

    @Override
    public int punch(long offset, long lengthBytes) {
        return shim.fallocate(descriptor, PUNCH_KEEPING_SIZE, offset, lengthBytes);
    }

    @Override
    public int zeroOut(long offset, long lengthBytes) {
        return shim.fallocate(descriptor, ZERO_KEEPING_SIZE, offset, lengthBytes);
    }

    @Override
    public long nextData(long offset) {
        return shim.seekData(descriptor, offset);
    }

    @Override
    public long nextHole(long offset) {
        return shim.seekHole(descriptor, offset);
    }

    @Override
    public int resize(long sizeBytes) {
        return shim.ftruncate(descriptor, sizeBytes);
    }

    @Override
    public boolean lockUntilAllHasLanded(boolean shared) {
        return shim.lock(descriptor, shared ? 1 : 0) != WOULD_BLOCK;
    }

    @Override
    public IoRing openRing(int entries) throws IOException {
        return IoRing.open(shim, descriptor, entries);
    }

    @Override
    public FileFacts facts() {
        FileInfoBlock info = new FileInfoBlock();
        if (shim.fileInfo(descriptor, info.address()) < 0) {
            return new FileFacts(FileFacts.Kind.OTHER, 0, 0, 4096, FileFacts.Place.ELSEWHERE);
        }
        boolean regular = info.type() == FileInfoBlock.TYPE_REGULAR;
        boolean device = info.type() == FileInfoBlock.TYPE_BLOCK_DEVICE;
        return new FileFacts(
                regular ? FileFacts.Kind.REGULAR : device ? FileFacts.Kind.BLOCK_DEVICE : FileFacts.Kind.OTHER,
                info.sizeBytes(),
                device ? info.sizeBytes() : info.allocatedBytes(),
                info.logicalBlockBytes(),
                place(info, device));
    }

    private static FileFacts.Place place(FileInfoBlock info, boolean device) {
        long magic = info.filesystemMagic();
        if (device) {
            return Locality.ofDevice(info.device()) ? FileFacts.Place.DISK : FileFacts.Place.ELSEWHERE;
        }
        if (magic == FileInfoBlock.MAGIC_TMPFS || magic == FileInfoBlock.MAGIC_RAMFS) {
            return FileFacts.Place.MEMORY;
        }
        return Locality.ofFile(magic, info.device()) ? FileFacts.Place.DISK : FileFacts.Place.ELSEWHERE;
    }

    @Override
    public void close() {
        int last = descriptor;
        descriptor = -1;
        shim.close(last);
    }
}
