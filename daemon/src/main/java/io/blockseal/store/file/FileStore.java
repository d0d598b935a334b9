package io.blockseal.store.file;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.memory.Memory;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A regular file or a raw block device as a store. Metadata goes through the synchronous methods, one caller at a time,
 * by way of an aligned buffer, so that O_DIRECT needs no care above; guest data goes through
 * {@link FileChannelOfLoop}.
 */
final class FileStore implements BlockStore {
    private static final Logger LOG = LoggerFactory.getLogger(FileStore.class);
    private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(60);

    private final Path path;
    private final SystemFile file;
    private final FileFacts facts;
    private final StoreOptions options;
    private final int alignmentBytes;
    private final @Nullable StoreLock lock;
    private final Zeroing zeroing;
    private final Durability durability;
    private final StoreTroubles troubles;
    private final LanePool pool;
    private final StoreRings rings;
    private final Lanes lanes;

    private final Object metadata = new Object();
    private final Memory bounce;
    /** How many bytes of the bounce buffer may hold something. */
    private int bounced;

    private volatile long sizeBytes;

    FileStore(
            Path path,
            SystemFile file,
            FileFacts facts,
            StoreOptions options,
            int alignmentBytes,
            Zeroing zeroing,
            Memory bounce,
            @Nullable StoreLock lock) {
        this.path = path;
        this.file = file;
        this.facts = facts;
        this.options = options;
        this.alignmentBytes = alignmentBytes;
        this.bounce = bounce;
        this.lock = lock;
        this.sizeBytes = facts.sizeBytes();
        this.zeroing = zeroing;
        this.durability = new Durability(file, path.toString());
        this.troubles = StoreTroubles.of(path.toString());
        this.pool = new LanePool(
                path.getFileName() == null
                        ? path.toString()
                        : path.getFileName().toString());
        this.rings = new StoreRings(file, path.toString(), pool.guard());
        this.lanes = lanes();
    }

    @Override
    public String name() {
        return path.toString();
    }

    @Override
    public String lane() {
        return lanes.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int alignmentBytes() {
        return alignmentBytes;
    }

    @Override
    public boolean trimmedReadsZeros() {
        // A trim here is a hole or written zeros, never a bare discard: see Zeroing.
        return true;
    }

    @Override
    public Geometry geometry() {
        boolean holes = zeroing.hasHoles();
        return new Geometry(sizeBytes, alignmentBytes(), 4096, options.readOnly(), holes, holes, true);
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        boolean cached = !options.direct() && !facts.inMemory();
        RingLane ring = lanes == Lanes.RING ? rings.enter(loop) : null;
        return new FileChannelOfLoop(
                loop, new FileCall(file, zeroing, durability, troubles, cached), pool, lanes, ring);
    }

    private Lanes lanes() {
        if (!file.fast()) {
            return Lanes.POOL;
        }
        return switch (facts.place()) {
            case MEMORY -> options.direct() ? Lanes.POOL : Lanes.INLINE;
            case DISK -> options.direct() ? directLanes() : Lanes.CACHED;
            case ELSEWHERE -> Lanes.POOL;
        };
    }

    private Lanes directLanes() {
        return rings.arePossible() ? Lanes.RING : Lanes.POOL;
    }

    @Override
    public void read(long offset, ByteBuffer target) throws StoreException {
        synchronized (metadata) {
            while (target.hasRemaining()) {
                int wanted = target.remaining();
                int skip = (int) (offset % alignmentBytes());
                int length = Math.min(bounce.capacity(), roundUp(skip + wanted));
                bounced = Math.max(bounced, length);
                int got = file.read(bounce, 0, length, offset - skip);
                if (got < 0) {
                    throw failed("read", offset, got);
                }
                int useful = Math.min(wanted, got - skip);
                if (useful <= 0) {
                    throw new StoreException(
                            Errno.EIO,
                            name() + ": ends at byte " + sizeBytes + ", before offset " + offset
                                    + ": the file was truncated.");
                }
                copyOut(skip, target, useful);
                offset += useful;
            }
        }
    }

    @Override
    public void write(long offset, ByteBuffer source) throws StoreException {
        synchronized (metadata) {
            while (source.hasRemaining()) {
                int skip = (int) (offset % alignmentBytes());
                int useful = Math.min(source.remaining(), bounce.capacity() - skip);
                int length = roundUp(skip + useful);
                bounced = Math.max(bounced, length);
                if (skip != 0 || length != useful) {
                    readForModify(offset - skip, length);
                }
                bounce.bytes().put(skip, source, source.position(), useful);
                source.position(source.position() + useful);
                int written = file.write(bounce, 0, length, offset - skip);
                if (written < 0) {
                    throw failed("write", offset, written);
                }
                offset += useful;
            }
        }
    }

    private void readForModify(long offset, int length) throws StoreException {
        bounce.zero(0, length);
        int got = file.read(bounce, 0, length, offset);
        if (got < 0) {
            throw failed("read", offset, got);
        }
    }

    private void copyOut(int from, ByteBuffer target, int length) {
        target.put(target.position(), bounce.bytes(), from, length);
        target.position(target.position() + length);
    }

    private int roundUp(int length) {
        int alignment = alignmentBytes();
        return (length + alignment - 1) / alignment * alignment;
    }

    @Override
    public void flush() throws StoreException {
        synchronized (metadata) {
            // A key that is destroyed on the disk, as by a commit, is not to stay behind here; each ends with a flush.
            bounce.zero(0, bounced);
            bounced = 0;
        }
        int result = durability.sync();
        if (result < 0) {
            throw failed("flush", 0, result);
        }
    }

    @Override
    public long lossCount() {
        return durability.losses();
    }

    @Override
    public boolean troubled() {
        return durability.failing() || pool.guard().stalls();
    }

    @Override
    public long ringRequestCount() {
        return rings.requestCount();
    }

    @Override
    public void dropCache(long offset, long lengthBytes) {
        file.dropCache(offset, lengthBytes);
    }

    @Override
    public void zero(long offset, long lengthBytes) throws StoreException {
        int result = zeroing.zero(offset, lengthBytes, false);
        if (result < 0) {
            throw failed("zero", offset, result);
        }
    }

    @Override
    public void grow(long newSizeBytes) throws StoreException {
        if (newSizeBytes < sizeBytes) {
            throw new StoreException(Errno.EINVAL, name() + ": a store cannot be made smaller.");
        }
        boolean device = facts.kind() == FileFacts.Kind.BLOCK_DEVICE;
        long actual = file.facts().sizeBytes();
        if (device && newSizeBytes > actual) {
            throw new StoreException(
                    Errno.ENOSPC,
                    name() + ": the device has " + actual + " bytes; " + newSizeBytes
                            + " are needed. Enlarge the device first.");
        }
        zeroWhatOthersAdded(Math.min(actual, newSizeBytes));
        int result = device || actual >= newSizeBytes ? 0 : file.resize(newSizeBytes);
        if (result < 0) {
            throw failed("grow", newSizeBytes, result);
        }
        sizeBytes = device ? actual : newSizeBytes;
    }

    /** Somebody may have made it larger since it was opened, a logical volume say, with whatever lay there before. */
    private void zeroWhatOthersAdded(long endBytes) throws StoreException {
        if (endBytes > sizeBytes) {
            zero(sizeBytes, endBytes - sizeBytes);
        }
    }

    @Override
    public long allocatedBytes() {
        return file.facts().allocatedBytes();
    }

    private StoreException failed(String what, long offset, int result) {
        Errno errno = Errno.fromSystem(-result);
        String words =
                switch (errno) {
                    case ENOSPC -> "no space is left on the filesystem";
                    case EPERM -> "the system does not permit it";
                    default -> "input/output error (system error " + -result + ")";
                };
        return new StoreException(errno, name() + ": cannot " + what + " at offset " + offset + ": " + words + ".");
    }

    @Override
    public void close() {
        close(CLOSE_PATIENCE);
    }

    /** Likewise, but whoever waits for a disk is given {@code patience} only. */
    void close(Duration patience) {
        long deadline = System.nanoTime() + patience.toNanos();
        // Rings first, as they may hand requests to the pool. Then the pool in any case: it must take no more.
        boolean ringsIdle = rings.drain(patience);
        boolean poolIdle = pool.drain(Duration.ofNanos(deadline - System.nanoTime()));
        if (!ringsIdle || !poolIdle) {
            // The number of a closed descriptor is given to the next file that is opened, and a call that is still to
            // come would write into that one. So the file stays open, and locked, until the process ends.
            LOG.error(
                    "store={}: calls to the storage did not end within {} s; the file stays open and locked until this"
                            + " process ends",
                    path,
                    patience.toSeconds());
            return;
        }
        file.close();
        if (lock != null) {
            lock.close();
        }
    }
}
