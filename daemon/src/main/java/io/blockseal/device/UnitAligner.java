package io.blockseal.device;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;

/**
 * Lets clients read and write any bytes of a device that takes whole blocks only.
 *
 * <p>Requests of whole blocks pass straight through. Others are cut into their whole blocks, which are passed on without
 * a copy where the memory allows it, and the partial blocks at their ends, which are read, changed and written back while
 * {@link UnitLocks} keeps READs and every other change away, on whatever connection. The parts go one after the other; the first
 * error ends the request, which then may have been carried out in part, as any write that fails.
 */
public final class UnitAligner implements BlockDevice {
    private final BlockDevice below;
    private final int memoryAlignmentBytes;
    private final Geometry geometry;
    private final UnitLocks locks = new UnitLocks();

    /**
     * A byte-addressed device over a block-addressed one.
     *
     * @param below blocks are its {@link Geometry#minimumBlockBytes()}, at most 4096
     * @param memoryAlignmentBytes what it asks of the address of a READ's or WRITE's memory; 1 for nothing
     */
    public UnitAligner(BlockDevice below, int memoryAlignmentBytes) {
        this.below = below;
        this.memoryAlignmentBytes = memoryAlignmentBytes;
        Geometry g = below.geometry();
        this.geometry = new Geometry(
                g.sizeBytes(),
                1,
                g.preferredBlockBytes(),
                g.readOnly(),
                g.canTrim(),
                g.canFastZero(),
                g.canMultiConn());
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        return new AlignerChannel(below.openChannel(loop), loop, locks, below.geometry(), memoryAlignmentBytes);
    }

    UnitLocks locks() {
        return locks;
    }
}
