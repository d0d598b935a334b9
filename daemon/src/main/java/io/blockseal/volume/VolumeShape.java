package io.blockseal.volume;

/**
 * The numbers of an open volume that the data path computes with.
 *
 * @param sizeBytes what clients see; a multiple of {@code unitBytes}
 * @param unitBytes data unit: 512 or 4096
 * @param rangeShift a range is {@code 1 << rangeShift} bytes
 * @param dataOffsetBytes where slot 0 begins on the data store
 * @param readOnly whether writes are refused
 */
public record VolumeShape(long sizeBytes, int unitBytes, int rangeShift, long dataOffsetBytes, boolean readOnly) {
    /** Bytes in a range. */
    public long rangeBytes() {
        return 1L << rangeShift;
    }

    /** How many ranges the size takes, the last one perhaps in part. */
    public long rangeCount() {
        return (sizeBytes + rangeBytes() - 1) >>> rangeShift;
    }

    /** Where {@code offsetBytes} of the volume lies on the data store, given its range's slot. */
    public long physicalOffset(long offsetBytes, long slot) {
        return dataOffsetBytes + (slot << rangeShift) + (offsetBytes & (rangeBytes() - 1));
    }
}
