package io.blockseal.store;

import io.blockseal.block.BlockDevice;
import java.nio.ByteBuffer;

/**
 * The bottom of a stack: bytes at offsets with known durability. Two ways in: channels (from {@link BlockDevice}) for
 * guest data on event loops, and the synchronous methods here for metadata on keeper threads.
 *
 * <p>A store is opened with its single-writer lock held (unless read-only) and keeps it until closed. What a channel
 * promises: READ past what was ever written gives zeros within the size; TRIM and WRITE_ZEROES leave zeros or fail with
 * the right errno and change nothing outside the stretch; with FAST_ZERO they fail with ENOTSUP rather than write; FLUSH
 * makes durable all that was completed, on any channel, before it was submitted; BLOCK_STATUS reports holes as
 * {@code HOLE|ZERO} where the system knows them and one data extent where it does not.
 */
public interface BlockStore extends BlockDevice, AutoCloseable {
    /** How an operator calls it: its path or URI. */
    String name();

    /** Current size in bytes. From any thread. */
    long sizeBytes();

    /** Alignment of offsets, lengths and memory that requests need: 1 for buffered files, 512 or 4096 with O_DIRECT. */
    int alignmentBytes();

    /** Whether stretches that were trimmed, or never written since {@link #grow}, are sure to read as zeros. */
    boolean trimmedReadsZeros();

    /**
     * Fills {@code target} (its remaining bytes; heap or direct) from {@code offset}.
     *
     * @throws StoreException if not every byte could be had
     */
    void read(long offset, ByteBuffer target) throws StoreException;

    /** Writes the remaining bytes of {@code source} at {@code offset}; durable only after {@link #flush}. */
    void write(long offset, ByteBuffer source) throws StoreException;

    /**
     * Makes the next {@link #read} of the stretch ask the storage rather than the system's memory, as far as that is
     * possible. After a failed flush that memory may show what the storage has not got. To be called after a flush.
     */
    default void dropCache(long offset, long lengthBytes) {}

    /** Makes every write that returned or completed before the call durable. */
    void flush() throws StoreException;

    /**
     * How many times the store failed to keep what was written: each failed flush of anybody's adds one, and it never
     * goes down. From any thread, and cheap: one volatile read.
     *
     * <p>Of a failed flush the system tells one caller, once; the flush after it succeeds although data is gone, and the
     * caller that was told need not be the one whose data it was. So who builds on a flush takes the count before its
     * first write and compares it after the flush: if it moved, what was written in between may be gone, whatever the
     * flush itself said.
     */
    default long lossCount() {
        return 0;
    }

    /**
     * Whether it looks unwell just now: the last flush failed, or a call has not come back for long. For people who
     * watch; nothing is decided by it. From any thread.
     */
    default boolean troubled() {
        return false;
    }

    /**
     * Who makes its channels' calls, in a word for the log: {@code inline} (the loop), {@code cached} (the loop, as far as
     * the page cache has it), {@code ring} (an io_uring) or {@code pool} (threads). From any thread.
     */
    default String lane() {
        return "inline";
    }

    /** How many reads and writes of channels an io_uring has done so far; 0 if threads do all of them. From any thread. */
    default long ringRequestCount() {
        return 0;
    }

    /** Makes the stretch read as zeros, giving its space back where that is possible. */
    void zero(long offset, long lengthBytes) throws StoreException;

    /** Makes the store larger, the new part reading as zeros. EINVAL for a device that cannot grow to that. */
    void grow(long newSizeBytes) throws StoreException;

    /** Bytes that the store really occupies, or its size where that is unknown. */
    long allocatedBytes();

    /** Gives up the lock and the file. No channel is open any more. */
    @Override
    void close();
}
