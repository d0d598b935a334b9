package io.blockseal.block;

/** A number for each byte of a device that can be told from memory. From any thread; never blocks, never allocates. */
public interface ExtentMap {
    /**
     * Appends to {@code out}, from {@code offset} on, extents whose state is their number, until {@code lengthBytes} (at
     * least 1) are told of or the list is full. The caller has checked that the stretch lies within the device.
     */
    void fill(long offset, long lengthBytes, ExtentList out);
}
