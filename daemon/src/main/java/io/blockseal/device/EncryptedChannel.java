package io.blockseal.device;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.memory.Memory;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.VolumeShape;
import io.blockseal.volume.WrittenChunks;
import io.blockseal.volume.table.RangeWord;

/** One loop's way into an {@link EncryptedDevice}: decides who carries a request out, and holds what they share. */
@HotPath("every request to an encrypted volume")
final class EncryptedChannel implements BlockChannel {
    private final EncryptedDevice device;
    private final Geometry geometry;
    private final DataPlane plane;
    private final IoLoop loop;
    private final DekCache cache;
    private final LoopRequests requests;
    private final XtsEngine xts;
    private final VolumeShape shape;
    private final BlockChannel store;
    private final int unitShift;
    private final boolean trimLeavesZeros;
    private final boolean storeWorks;
    private boolean abandoned;
    private final FreeList<EncryptedChannel, RangeTransfer> transfers = new FreeList<>(this, RangeTransfer::new);
    private final FreeList<EncryptedChannel, BorderWalk> borderWalks = new FreeList<>(this, BorderWalk::new);
    private final FreeList<EncryptedChannel, ZeroWalk> zeroWalks = new FreeList<>(this, ZeroWalk::new);
    private final FreeList<EncryptedChannel, ProvisionWalk> provisionWalks = new FreeList<>(this, ProvisionWalk::new);
    private final FreeList<EncryptedChannel, StatusWalk> statusWalks = new FreeList<>(this, StatusWalk::new);

    EncryptedChannel(EncryptedDevice device, DataPlane plane, IoLoop loop, LoopKeys shared) {
        this.device = device;
        this.geometry = device.geometry();
        this.plane = plane;
        this.loop = loop;
        this.cache = shared.cache;
        this.requests = shared.requests;
        this.xts = plane.xts();
        this.shape = plane.shape();
        this.store = plane.dataStore().openChannel(loop);
        this.unitShift = Integer.numberOfTrailingZeros(shape.unitBytes());
        this.storeWorks = store.worksBeforeWriting();
        this.trimLeavesZeros = plane.dataStore().trimmedReadsZeros();
    }

    @Override
    public void submit(BlockRequest request) {
        Errno refusal = refusal(request);
        if (refusal != Errno.OK) {
            request.complete(refusal);
            return;
        }
        switch (request.command()) {
            case READ, WRITE -> transfer(request);
            case TRIM, WRITE_ZEROES -> zero(request);
            case FLUSH -> store.submit(request);
            case CACHE -> request.complete(Errno.OK);
            case BLOCK_STATUS -> statusWalks.lease().start(request);
        }
    }

    @Override
    public boolean isFrozen() {
        return plane.isFrozen();
    }

    @Override
    public void whenThawed(Runnable task) {
        requests.waitForThaw(task);
    }

    @Override
    public void abandon() {
        abandoned = true;
        haveWaitingLookAgain();
    }

    private void haveWaitingLookAgain() {
        if (plane.isFrozen()) {
            requests.thaw();
        }
    }

    @Override
    public void kick() {
        store.kick();
    }

    @Override
    public void close() {
        store.close();
        // Who only waited to begin something, for this channel, is not kept until the thaw.
        haveWaitingLookAgain();
        device.channelClosed(loop);
    }

    private Errno refusal(BlockRequest request) {
        Errno outOfBounds = Stretch.check(request, geometry.sizeBytes());
        if (outOfBounds != Errno.OK) {
            return outOfBounds;
        }
        return switch (request.command()) {
            case READ -> isWhole(request) ? Errno.OK : Errno.EINVAL;
            case WRITE, TRIM, WRITE_ZEROES -> {
                if (geometry.readOnly()) {
                    yield Errno.EPERM;
                }
                yield isWhole(request) ? Errno.OK : Errno.EINVAL;
            }
            case BLOCK_STATUS -> request.length() > 0 ? Errno.OK : Errno.EINVAL;
            case FLUSH, CACHE -> Errno.OK;
        };
    }

    private boolean isWhole(BlockRequest request) {
        return Stretch.isAligned(request.offset() | request.length(), geometry.minimumBlockBytes());
    }

    /** READ or WRITE of whole units anywhere. */
    void transfer(BlockRequest request) {
        if (request.length() <= leftInRange(request.offset())) {
            transferInRange(request);
        } else {
            borderWalks.lease().start(request);
        }
    }

    /** READ or WRITE that does not cross a range border. */
    void transferInRange(BlockRequest request) {
        if (request.length() == 0) {
            request.complete(Errno.OK);
        } else {
            transfers.lease().start(request);
        }
    }

    private void zero(BlockRequest request) {
        boolean provision = request.has(BlockRequest.NO_HOLE);
        if (request.has(BlockRequest.FAST_ZERO) && (provision || !geometry.canFastZero())) {
            // Writing ciphertext of zeros is exactly as slow as a WRITE.
            request.complete(Errno.ENOTSUP);
        } else if (provision) {
            provisionWalks.lease().start(request);
        } else {
            zeroWalks.lease().start(request);
        }
    }

    /** Bytes from {@code offset} to the end of its range. */
    long leftInRange(long offset) {
        return shape.rangeBytes() - (offset & (shape.rangeBytes() - 1));
    }

    long rangeOf(long offset) {
        return offset >>> shape.rangeShift();
    }

    /** The word of the range in which {@code offset} lies. */
    long wordAt(long offset) {
        return plane.word(rangeOf(offset));
    }

    /** A request to a range begins that is not held; {@link #end} wants to be told what this returns. */
    int begin() {
        return requests.begin();
    }

    /** It is over: it touches neither the store nor the range's key any more. */
    void end(int begunIn) {
        requests.end(begunIn);
    }

    /** As {@link #end}, of a request that has changed the stretch of the store, or may have. */
    void endOfChange(int begunIn, long physicalOffset, long lengthBytes) {
        WrittenChunks chunks = plane.writtenChunks();
        if (chunks != null) {
            chunks.mark(physicalOffset, lengthBytes);
        }
        requests.end(begunIn);
    }

    /** OK if requests to ranges that are held wait, else what they fail with. */
    Errno whileHeld() {
        return abandoned && plane.isFrozen() ? Errno.ESHUTDOWN : plane.whileHeld();
    }

    /** Has {@code task} run on the loop when a range is let go, perhaps another one. */
    void waitForThaw(Runnable task) {
        requests.waitForThaw(task);
    }

    /** Where {@code offset} lies on the store, if its range is ACTIVE as {@code word} says. */
    long physicalOffset(long offset, long word) {
        return shape.physicalOffset(offset, RangeWord.slot(word));
    }

    /** The range's key, to be used at once; 0 if there is none that verifies. */
    int keyAt(long offset, long word) {
        return cache.keyFor(rangeOf(offset), word);
    }

    /** Keeps the range's key as it is until {@link #unpin}; 0 or {@link DekCache#NO_PIN} as {@link DekCache#pin} says. */
    int pin(long offset, long word) {
        return cache.pin(rangeOf(offset), word);
    }

    void unpin(int pin) {
        cache.unpin(pin);
    }

    /** The key of a pin. From any thread, as {@link #encrypt} and {@link #decrypt}. */
    int pinnedKey(int pin) {
        return cache.pinnedKey(pin);
    }

    /** Whether the store has the cipher's work done before it writes, perhaps on another thread. */
    boolean storeWorks() {
        return storeWorks;
    }

    /** Enciphers whole units in place; false if a unit came out as zeros, which was counted. */
    boolean encrypt(int key, Memory memory, int memoryOffset, long offset, long length) {
        int unitCount = (int) (length >>> unitShift);
        plane.enciphered(rangeOf(offset), length);
        boolean zeros = xts.encrypt(key, memory, memoryOffset, shape.unitBytes(), offset >>> unitShift, unitCount);
        if (zeros) {
            device.countZeroCiphertext();
        }
        return !zeros;
    }

    /** Deciphers whole units in place; those that were never written stay zeros. */
    void decrypt(int key, Memory memory, int memoryOffset, long offset, long length) {
        int unitCount = (int) (length >>> unitShift);
        xts.decryptSparse(key, memory, memoryOffset, shape.unitBytes(), offset >>> unitShift, unitCount);
    }

    IoLoop loop() {
        return loop;
    }

    DataPlane plane() {
        return plane;
    }

    BlockChannel store() {
        return store;
    }

    /** What BLOCK_STATUS rounds to on the store: whole data units, and blocks that the store accepts. */
    int blockBytes() {
        return geometry.minimumBlockBytes();
    }

    /** Whether the store's TRIM is sure to leave zeros, so that a client's TRIM may become one. */
    boolean trimLeavesZeros() {
        return trimLeavesZeros;
    }

    void release(RangeTransfer transfer) {
        transfers.release(transfer);
    }

    void release(BorderWalk walk) {
        borderWalks.release(walk);
    }

    void release(ZeroWalk walk) {
        zeroWalks.release(walk);
    }

    void release(ProvisionWalk walk) {
        provisionWalks.release(walk);
    }

    void release(StatusWalk walk) {
        statusWalks.release(walk);
    }
}
