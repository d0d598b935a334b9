package io.blockseal.store.file;

import io.blockseal.memory.Memory;
import java.util.function.IntUnaryOperator;

/** A real file whose syncs, aligned reads and writes can be made to go wrong. */
final class FaultyFile extends ForwardingFile {
    static final int EIO = -5;

    /** What a sync reports instead of its result. */
    volatile IntUnaryOperator syncResult = result -> result;
    /** Made before each write. */
    volatile Runnable beforeWrite = () -> {};
    /** Reads that do not begin at a multiple of this are refused, as O_DIRECT does. */
    volatile int sectorBytes = 1;

    FaultyFile(SystemFile file) {
        super(file);
    }

    @Override
    public int read(Memory memory, int memoryOffset, int length, long offset) {
        return offset % sectorBytes == 0 && length % sectorBytes == 0
                ? super.read(memory, memoryOffset, length, offset)
                : -22;
    }

    @Override
    public int write(Memory memory, int memoryOffset, int length, long offset) {
        beforeWrite.run();
        return super.write(memory, memoryOffset, length, offset);
    }

    @Override
    public int sync() {
        return syncResult.applyAsInt(super.sync());
    }

    @Override
    public FileFacts facts() {
        FileFacts facts = super.facts();
        return new FileFacts(facts.kind(), facts.sizeBytes(), facts.allocatedBytes(), 512, facts.place());
    }
}
