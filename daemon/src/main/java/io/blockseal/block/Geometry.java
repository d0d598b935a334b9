package io.blockseal.block;

/**
 * What a device is and can do; fixed while it is open. A layer may only narrow what the device below offers.
 *
 * @param sizeBytes size of the device
 * @param minimumBlockBytes requests must be multiples of this; a power of two
 * @param preferredBlockBytes requests that are multiples of this are cheapest; a power of two
 * @param readOnly whether writes are refused
 * @param canTrim whether TRIM gives space back
 * @param canFastZero whether WRITE_ZEROES without NO_HOLE is faster than writing
 * @param canMultiConn whether a FLUSH on one channel covers writes completed on any other
 */
public record Geometry(
        long sizeBytes,
        int minimumBlockBytes,
        int preferredBlockBytes,
        boolean readOnly,
        boolean canTrim,
        boolean canFastZero,
        boolean canMultiConn) {}
