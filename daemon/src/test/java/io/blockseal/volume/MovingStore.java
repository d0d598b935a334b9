package io.blockseal.volume;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.store.BlockStore;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;

/** A reader's look at a store that somebody else changes in between: every so many reads one step further. */
public final class MovingStore implements BlockStore {
    /** What the other does. */
    public interface Step {
        void take(long number) throws Exception;
    }

    private final MemoryStore store;
    private final int readsPerStep;
    private final int readsMax;
    private final Step step;
    private int reads;
    private long steps;

    /** Moves every {@code readsPerStep} reads, until {@code readsMax} have been made. */
    public MovingStore(MemoryStore store, int readsPerStep, int readsMax, Step step) {
        this.store = store;
        this.readsPerStep = readsPerStep;
        this.readsMax = readsMax;
        this.step = step;
    }

    public long steps() {
        return steps;
    }

    @Override
    public void read(long offset, ByteBuffer target) throws StoreException {
        if (reads < readsMax && reads++ % readsPerStep == readsPerStep - 1) {
            try {
                step.take(steps++);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        }
        store.read(offset, target);
    }

    @Override
    public String name() {
        return store.name();
    }

    @Override
    public long sizeBytes() {
        return store.sizeBytes();
    }

    @Override
    public int alignmentBytes() {
        return 1;
    }

    @Override
    public boolean trimmedReadsZeros() {
        return true;
    }

    @Override
    public void write(long offset, ByteBuffer source) {
        throw new AssertionError("a reader writes");
    }

    @Override
    public void flush() {
        throw new AssertionError("a reader flushes");
    }

    @Override
    public void zero(long offset, long lengthBytes) {
        throw new AssertionError("a reader zeroes");
    }

    @Override
    public void grow(long newSizeBytes) {
        throw new AssertionError("a reader grows the store");
    }

    @Override
    public long allocatedBytes() {
        return store.allocatedBytes();
    }

    @Override
    public void close() {}

    @Override
    public Geometry geometry() {
        return store.geometry();
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        throw new AssertionError("a reader of metadata needs no channel");
    }
}
