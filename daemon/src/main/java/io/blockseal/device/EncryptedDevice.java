package io.blockseal.device;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.store.BlockStore;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.VolumeShape;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The encryption layer: whole data units on their way between a client and the store, enciphered going down and
 * deciphered coming up; what was never written is zeros without I/O.
 *
 * <p>Requests must be multiples of {@link Geometry#minimumBlockBytes()}, the larger of the data unit and the store's
 * alignment, memory too if the store asks for it; {@link UnitAligner} takes everybody else's. BLOCK_STATUS may ask for
 * any stretch. A WRITE leaves ciphertext in the caller's memory.
 *
 * <p>A unit of ciphertext that comes out as all zeros must not be stored, since it would read back as never written.
 * For 4096-byte units that happens once in 2^32768 writes and for 512-byte units once in 2^4096, unless somebody who
 * knows the DEK makes it happen; the write then fails with EIO, nothing is stored, and {@link #zeroCiphertexts()}
 * counts it.
 */
public final class EncryptedDevice implements BlockDevice {
    private static final int PREFERRED_BLOCK_BYTES = 4096;

    private final DataPlane plane;
    private final Geometry geometry;
    private final Map<IoLoop, LoopKeys> keys = new ConcurrentHashMap<>();
    private final AtomicLong zeroCiphertexts = new AtomicLong();

    /**
     * A device over an open volume. The volume stays the caller's and must outlive every channel.
     *
     * @throws IllegalArgumentException if the volume's size is not a multiple of the store's alignment
     */
    public EncryptedDevice(DataPlane plane) {
        this.plane = plane;
        VolumeShape shape = plane.shape();
        BlockStore store = plane.dataStore();
        Geometry below = store.geometry();
        int blockBytes = Math.max(shape.unitBytes(), store.alignmentBytes());
        if (!Stretch.isAligned(shape.sizeBytes(), blockBytes)
                || !Stretch.isAligned(shape.dataOffsetBytes(), blockBytes)) {
            throw new IllegalArgumentException("volume on " + store.name() + ": its size " + shape.sizeBytes()
                    + " and its data offset " + shape.dataOffsetBytes() + " are not both multiples of " + blockBytes
                    + " bytes, which the store's alignment asks for; open the store buffered");
        }
        geometry = new Geometry(
                shape.sizeBytes(),
                blockBytes,
                Math.max(blockBytes, PREFERRED_BLOCK_BYTES),
                shape.readOnly() || below.readOnly(),
                below.canTrim(),
                below.canFastZero(),
                below.canMultiConn());
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    /** Opens this loop's way in; channels of one loop share its unwrapped DEKs. */
    @Override
    public BlockChannel openChannel(IoLoop loop) {
        LoopKeys shared = keys.computeIfAbsent(loop, any -> new LoopKeys(loop, plane.openCache()));
        EncryptedChannel channel = new EncryptedChannel(this, plane, loop, shared);
        if (shared.users++ == 0) {
            plane.attach(shared);
        }
        return channel;
    }

    /** How often a write was refused because a unit of its ciphertext came out as all zeros. From any thread. */
    public long zeroCiphertexts() {
        return zeroCiphertexts.get();
    }

    void countZeroCiphertext() {
        zeroCiphertexts.incrementAndGet();
    }

    /** On the loop's thread: the last channel wipes the loop's keys. */
    void channelClosed(IoLoop loop) {
        LoopKeys shared = keys.get(loop);
        if (shared != null && --shared.users == 0) {
            plane.detach(shared);
            keys.remove(loop);
            shared.cache.close();
        }
    }
}
