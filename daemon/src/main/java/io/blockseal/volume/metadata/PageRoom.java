package io.blockseal.volume.metadata;

import io.blockseal.format.MetadataLayout;
import java.nio.ByteBuffer;

/**
 * Room for neighbouring table pages as a disk has them, for whoever reads and judges them. It lies outside the heap, where
 * the collector would copy it about, and is wiped when it is closed: a wrapped DEK that is destroyed later must not have
 * stayed behind in it. One thread at a time.
 */
public final class PageRoom implements AutoCloseable {
    private final ByteBuffer bytes;

    /** Room for so many pages. */
    public PageRoom(int pages) {
        bytes = ByteBuffer.allocateDirect(pages * MetadataLayout.BLOCK_BYTES);
    }

    /** {@code count} pages from the one at {@code index} on, to be filled or read. */
    public ByteBuffer pages(int index, int count) {
        return bytes.slice(index * MetadataLayout.BLOCK_BYTES, count * MetadataLayout.BLOCK_BYTES);
    }

    @Override
    public void close() {
        for (int at = 0; at < bytes.capacity(); at += Long.BYTES) {
            bytes.putLong(at, 0);
        }
    }
}
