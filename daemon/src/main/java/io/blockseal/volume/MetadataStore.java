package io.blockseal.volume;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;

/** Reads and writes the blocks of a volume's metadata by name instead of by offset. On keeper threads. */
final class MetadataStore {
    private final BlockStore store;

    MetadataStore(BlockStore store) {
        this.store = store;
    }

    String name() {
        return store.name();
    }

    long sizeBytes() {
        return store.sizeBytes();
    }

    byte[] readRoot(int copy) throws StoreException {
        return read(MetadataLayout.rootOffset(copy), MetadataLayout.BLOCK_BYTES);
    }

    void writeRoot(int copy, byte[] image) throws StoreException {
        write(MetadataLayout.rootOffset(copy), image);
    }

    byte[] readKeySlots(int area) throws StoreException {
        return read(MetadataLayout.keySlotAreaOffset(area), KeySlotArea.AREA_BYTES);
    }

    void writeKeySlots(int area, byte[] image) throws StoreException {
        write(MetadataLayout.keySlotAreaOffset(area), image);
    }

    void writePage(RootBlock root, int pageIndex, int copy, byte[] image) throws StoreException {
        write(root.pageOffset(pageIndex, copy), image);
    }

    /** Reads {@code count} neighbouring page copies of one extent. */
    byte[] readPages(RootBlock root, int firstPage, int count, int copy) throws StoreException {
        return read(root.pageOffset(firstPage, copy), count * MetadataLayout.BLOCK_BYTES);
    }

    /** Writes zeros, so that the space is really there: a commit must not run out of it. */
    void clearPages(RootBlock root, int firstPage, int endPage) throws StoreException {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            int page = firstPage;
            while (page < endPage) {
                int count = TableScan.neighbours(page, endPage);
                write(root.pageOffset(page, copy), new byte[count * MetadataLayout.BLOCK_BYTES]);
                page += count;
            }
        }
    }

    void flush() throws StoreException {
        store.flush();
    }

    /** Makes the next read of a metadata extent ask the disk. */
    void dropCache(long extentOffset) {
        store.dropCache(extentOffset, MetadataLayout.EXTENT_BYTES);
    }

    private byte[] read(long offset, int length) throws StoreException {
        byte[] bytes = new byte[length];
        store.read(offset, ByteBuffer.wrap(bytes));
        return bytes;
    }

    private void write(long offset, byte[] bytes) throws StoreException {
        store.write(offset, ByteBuffer.wrap(bytes));
    }
}
