package io.blockseal.client;

import io.blockseal.nbd.NbdAllocation;

/**
 * A run of bytes with one status; extents of a status answer follow each other from the offset asked for.
 *
 * @param length in bytes, at least one
 * @param status bits whose meaning the metadata context defines
 */
public record NbdExtent(long length, long status) {

    /** For {@code base:allocation}: not allocated in the server's store. */
    public boolean isHole() {
        return (status & NbdAllocation.HOLE) != 0;
    }

    /** For {@code base:allocation}: reads as zero. */
    public boolean isZero() {
        return (status & NbdAllocation.ZERO) != 0;
    }
}
