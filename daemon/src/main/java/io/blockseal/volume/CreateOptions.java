package io.blockseal.volume;

import io.blockseal.format.RootBlock;

/**
 * What a new volume shall be.
 *
 * @param sizeBytes what clients see; 0 for as much as the store has room for
 * @param unitBytes data unit: 4096 or 512
 * @param rangeBytes range size, a power of two; 0 to choose by volume size
 * @param spareSlots slots beyond those that the ranges take, for key rotation
 * @param label an operator's name for it, at most 48 bytes of UTF-8
 * @param force create although the store seems to hold something
 * @param rangeBytesMin smallest range size allowed: 16 MiB, less in tests alone
 */
public record CreateOptions(
        long sizeBytes,
        int unitBytes,
        long rangeBytes,
        int spareSlots,
        String label,
        boolean force,
        long rangeBytesMin) {
    private static final long TIB = 1L << 40;

    /** A volume of that size, all else by default. */
    public static CreateOptions ofSize(long sizeBytes) {
        return new CreateOptions(sizeBytes, 4096, 0, 2, "", false, 1L << RootBlock.RANGE_SHIFT_OPERATOR_MIN);
    }

    public CreateOptions withUnitBytes(int unit) {
        return new CreateOptions(sizeBytes, unit, rangeBytes, spareSlots, label, force, rangeBytesMin);
    }

    public CreateOptions withRangeBytes(long range) {
        return new CreateOptions(sizeBytes, unitBytes, range, spareSlots, label, force, rangeBytesMin);
    }

    public CreateOptions withSpareSlots(int spare) {
        return new CreateOptions(sizeBytes, unitBytes, rangeBytes, spare, label, force, rangeBytesMin);
    }

    public CreateOptions withLabel(String newLabel) {
        return new CreateOptions(sizeBytes, unitBytes, rangeBytes, spareSlots, newLabel, force, rangeBytesMin);
    }

    public CreateOptions forced(boolean newForce) {
        return new CreateOptions(sizeBytes, unitBytes, rangeBytes, spareSlots, label, newForce, rangeBytesMin);
    }

    /** For tests: ranges as small as the format can express, so that a small store has many. */
    public CreateOptions withSmallRanges(long range) {
        return new CreateOptions(
                sizeBytes, unitBytes, range, spareSlots, label, force, 1L << RootBlock.RANGE_SHIFT_MIN);
    }

    /** The default for a volume of that size: 64 MiB up to 16 TiB, 256 MiB up to 64 TiB, 1 GiB above. */
    public static long defaultRangeBytes(long sizeBytes) {
        if (sizeBytes <= 16 * TIB) {
            return 64L << 20;
        }
        return sizeBytes <= 64 * TIB ? 256L << 20 : 1L << 30;
    }
}
