package io.blockseal.volume.metadata;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;

/**
 * Reads and writes the blocks of a volume's metadata on one store, by name instead of by offset. What belongs together
 * over several stores is {@link MetadataCopies}' business. On keeper threads.
 */
public final class MetadataStore {
    private final BlockStore store;
    private final boolean packed;

    /** The primary: its extents lie where the root says. */
    public MetadataStore(BlockStore store) {
        this(store, false);
    }

    /** {@code packed}: the extents lie one behind the other, wherever the root has them, as on a mirror. */
    public MetadataStore(BlockStore store, boolean packed) {
        this.store = store;
        this.packed = packed;
    }

    String name() {
        return store.name();
    }

    /** Of the store. */
    public long sizeBytes() {
        return store.sizeBytes();
    }

    long lossCount() {
        return store.lossCount();
    }

    byte[] readRoot(int letter) throws StoreException {
        return read(MetadataLayout.rootOffset(letter), MetadataLayout.BLOCK_BYTES);
    }

    /** {@code letter} is 0 for A, 1 for B; durable after {@link #flush}. */
    public void writeRoot(int letter, byte[] image) throws StoreException {
        write(MetadataLayout.rootOffset(letter), image);
    }

    byte[] readKeySlots(int letter) throws StoreException {
        return read(MetadataLayout.keySlotAreaOffset(letter), KeySlotArea.AREA_BYTES);
    }

    /** {@code letter} is 0 for A, 1 for B; durable after {@link #flush}. */
    public void writeKeySlots(int letter, byte[] image) throws StoreException {
        write(MetadataLayout.keySlotAreaOffset(letter), image);
    }

    /** {@code letter} is 0 for A, 1 for B; durable after {@link #flush}. */
    public void writePage(RootBlock root, int pageIndex, int letter, ByteBuffer image) throws StoreException {
        store.write(pageOffset(root, pageIndex, letter), image.duplicate());
    }

    /** Fills {@code target}, its remaining bytes, with neighbouring page copies of one extent. */
    void readPages(RootBlock root, int firstPage, int letter, ByteBuffer target) throws StoreException {
        store.read(pageOffset(root, firstPage, letter), target);
    }

    /** Writes zeros, so that the space is really there: a commit must not run out of it. */
    public void clearPages(RootBlock root, int firstPage, int endPage) throws StoreException {
        for (int letter = 0; letter < MetadataLayout.COPIES; letter++) {
            int page = firstPage;
            while (page < endPage) {
                int count = TableScan.neighbours(page, endPage);
                write(pageOffset(root, page, letter), new byte[count * MetadataLayout.BLOCK_BYTES]);
                page += count;
            }
        }
    }

    /** Where the metadata ends that {@code root} describes. */
    public long endBytes(RootBlock root) {
        long end = 0;
        for (int i = 0; i < root.extentCount(); i++) {
            end = Math.max(end, extentOffset(root, i) + MetadataLayout.EXTENT_BYTES);
        }
        return end;
    }

    /** Makes the store as large as {@code root} needs it; true if it was smaller. */
    boolean growFor(RootBlock root) throws StoreException {
        if (store.sizeBytes() >= endBytes(root)) {
            return false;
        }
        store.grow(endBytes(root));
        return true;
    }

    /** Makes durable what was written. */
    public void flush() throws StoreException {
        store.flush();
    }

    /** Gives back all extents, so that they read as zeros; only the two roots stay. */
    public void discardAllButRoots(RootBlock root) throws StoreException {
        for (int letter = 0; letter < MetadataLayout.COPIES; letter++) {
            long from = MetadataLayout.rootOffset(letter) + MetadataLayout.BLOCK_BYTES;
            boolean last = letter == MetadataLayout.COPIES - 1;
            zero(from, last ? MetadataLayout.EXTENT_BYTES : MetadataLayout.rootOffset(letter + 1));
        }
        for (int i = 1; i < root.extentCount(); i++) {
            zero(extentOffset(root, i), extentOffset(root, i) + MetadataLayout.EXTENT_BYTES);
        }
    }

    /** Gives back extent 0. */
    public void discardHead() throws StoreException {
        zero(0, MetadataLayout.EXTENT_BYTES);
    }

    /** Whether every extent, as far as the store reaches, reads as zeros. */
    public boolean readsZeros(RootBlock root, int strideBytes) throws StoreException {
        ByteBuffer found = ByteBuffer.allocate(strideBytes);
        ByteBuffer zeros = ByteBuffer.allocate(strideBytes);
        for (int i = 0; i < root.extentCount(); i++) {
            long end = Math.min(extentOffset(root, i) + MetadataLayout.EXTENT_BYTES, store.sizeBytes());
            for (long at = extentOffset(root, i); at < end; at += strideBytes) {
                int length = (int) Math.min(strideBytes, end - at);
                store.read(at, found.clear().limit(length));
                if (found.flip().mismatch(zeros.clear().limit(length)) >= 0) {
                    return false;
                }
            }
        }
        return true;
    }

    private void zero(long from, long to) throws StoreException {
        long end = Math.min(to, store.sizeBytes());
        if (from < end) {
            store.zero(from, end - from);
        }
    }

    /** Makes the next read of extent 0 ask the disk. */
    public void dropHeadCache() {
        store.dropCache(0, MetadataLayout.EXTENT_BYTES);
    }

    /** Makes the next read of all further extents ask the disk. */
    public void dropTailCache(RootBlock root) {
        for (int i = 1; i < root.extentCount(); i++) {
            store.dropCache(extentOffset(root, i), MetadataLayout.EXTENT_BYTES);
        }
    }

    private long extentOffset(RootBlock root, int extent) {
        return packed ? extent * MetadataLayout.EXTENT_BYTES : root.extentOffset(extent);
    }

    private long pageOffset(RootBlock root, int pageIndex, int letter) {
        return extentOffset(root, MetadataLayout.extentOfPage(pageIndex))
                + MetadataLayout.pageOffsetInExtent(pageIndex, letter);
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
