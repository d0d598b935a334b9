package io.blockseal.store.file;

import io.blockseal.memory.Memory;
import io.blockseal.shim.IoRing;
import java.io.IOException;

/** Another file, call by call; tests override those that are to go wrong. */
class ForwardingFile implements SystemFile {
    private final SystemFile file;

    ForwardingFile(SystemFile file) {
        this.file = file;
    }

    @Override
    public boolean fast() {
        return file.fast();
    }

    @Override
    public int read(Memory memory, int memoryOffset, int length, long offset) {
        return file.read(memory, memoryOffset, length, offset);
    }

    @Override
    public int readCached(Memory memory, int memoryOffset, int length, long offset) {
        return file.readCached(memory, memoryOffset, length, offset);
    }

    @Override
    public int write(Memory memory, int memoryOffset, int length, long offset) {
        return file.write(memory, memoryOffset, length, offset);
    }

    @Override
    public int writeDurably(Memory memory, int memoryOffset, int length, long offset) {
        return file.writeDurably(memory, memoryOffset, length, offset);
    }

    @Override
    public int sync() {
        return file.sync();
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
    public IoRing openRing(int entries) throws IOException {
        return file.openRing(entries);
    }

    @Override
    public FileFacts facts() {
        return file.facts();
    }

    @Override
    public void dropCache(long offset, long lengthBytes) {
        file.dropCache(offset, lengthBytes);
    }

    @Override
    public void close() {
        file.close();
    }
}
