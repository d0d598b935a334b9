package io.blockseal.store.file;

import io.blockseal.memory.Memory;
import java.util.function.IntUnaryOperator;

/** A real file whose syncs, aligned reads and writes can be made to go wrong. */
final class FaultyFile implements SystemFile {
    static final int EIO = -5;

    private final SystemFile file;
    /** What a sync reports instead of its result. */
    volatile IntUnaryOperator syncResult = result -> result;
    /** Made before each write. */
    volatile Runnable beforeWrite = () -> {};
    /** Reads that do not begin at a multiple of this are refused, as O_DIRECT does. */
    volatile int sectorBytes = 1;

    FaultyFile(SystemFile file) {
        this.file = file;
    }

    @Override
    public boolean fast() {
        return file.fast();
    }

    @Override
    public int read(Memory memory, int memoryOffset, int length, long offset) {
        return offset % sectorBytes == 0 && length % sectorBytes == 0
                ? file.read(memory, memoryOffset, length, offset)
                : -22;
    }

    @Override
    public int readCached(Memory memory, int memoryOffset, int length, long offset) {
        return file.readCached(memory, memoryOffset, length, offset);
    }

    @Override
    public int write(Memory memory, int memoryOffset, int length, long offset) {
        beforeWrite.run();
        return file.write(memory, memoryOffset, length, offset);
    }

    @Override
    public int writeDurably(Memory memory, int memoryOffset, int length, long offset) {
        return file.writeDurably(memory, memoryOffset, length, offset);
    }

    @Override
    public int sync() {
        return syncResult.applyAsInt(file.sync());
    }

    @Override
    public int punch(long offset, long lengthBytes) {
        return file.punch(offset, lengthBytes);
    }

    @Override
    public int zeroOut(long offset, long lengthBytes) {
        return file.zeroOut(offset, lengthBytes);
    }

    @Override
    public long nextData(long offset) {
        return file.nextData(offset);
    }

    @Override
    public long nextHole(long offset) {
        return file.nextHole(offset);
    }

    @Override
    public int resize(long sizeBytes) {
        return file.resize(sizeBytes);
    }

    @Override
    public FileFacts facts() {
        FileFacts facts = file.facts();
        return new FileFacts(facts.kind(), facts.sizeBytes(), facts.allocatedBytes(), 512, facts.inMemory());
    }

    @Override
    public void close() {
        file.close();
    }
}
