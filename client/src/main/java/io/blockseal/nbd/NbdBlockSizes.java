package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;

/**
 * A server's size constraints ("Size constraints"), as INFO_BLOCK_SIZE carries them: minimum 4, preferred 4, maximum 4.
 *
 * @param minimum smallest length and alignment; a power of two up to 64 KiB
 * @param preferred length and alignment from which requests are efficient; a power of two from 512
 * @param maximumPayload most bytes of data in one request or reply; unsigned 32-bit
 */
public record NbdBlockSizes(int minimum, int preferred, long maximumPayload) {
    /** What holds if nobody advertised anything. */
    public static final NbdBlockSizes DEFAULT = new NbdBlockSizes(
            NbdLimits.DEFAULT_MIN_BLOCK_BYTES,
            NbdLimits.DEFAULT_PREFERRED_BLOCK_BYTES,
            NbdLimits.DEFAULT_MAX_PAYLOAD_BYTES);

    /** Payload behind the information type. */
    static final int BYTES = 12;

    /** Checks what the specification demands. */
    public NbdBlockSizes {
        String problem = problem(minimum, preferred, maximumPayload);
        if (!problem.isEmpty()) {
            throw new IllegalArgumentException(problem);
        }
    }

    /** Decodes 12 bytes at {@code index}; the caller has checked that they are there. */
    static NbdDecoded<NbdBlockSizes> decode(ByteBuf buffer, int index) {
        long minimum = buffer.getUnsignedInt(index);
        long preferred = buffer.getUnsignedInt(index + 4);
        long maximumPayload = buffer.getUnsignedInt(index + 8);
        String problem = problem(minimum, preferred, maximumPayload);
        return problem.isEmpty()
                ? NbdDecoded.of(new NbdBlockSizes((int) minimum, (int) preferred, maximumPayload))
                : NbdDecoded.malformed(problem);
    }

    private static String problem(long minimum, long preferred, long maximumPayload) {
        if (!isPowerOfTwo(minimum) || minimum > NbdLimits.MAX_MIN_BLOCK_BYTES) {
            return "minimum block size " + minimum + " is not a power of two up to " + NbdLimits.MAX_MIN_BLOCK_BYTES;
        }
        // 2^31 would be a power of two on the wire; nobody prefers it, and an int could not hold it.
        if (!isPowerOfTwo(preferred)
                || preferred < Math.max(minimum, NbdLimits.MIN_PREFERRED_BLOCK_BYTES)
                || preferred > Integer.MAX_VALUE) {
            return "preferred block size " + preferred + " is not a power of two from "
                    + Math.max(minimum, NbdLimits.MIN_PREFERRED_BLOCK_BYTES);
        }
        if (maximumPayload < preferred || maximumPayload > NbdLimits.MAX_UNSIGNED_32) {
            return "maximum payload size " + maximumPayload + " is not between the preferred block size " + preferred
                    + " and 2^32-1";
        }
        return "";
    }

    private static boolean isPowerOfTwo(long number) {
        return number > 0 && (number & (number - 1)) == 0;
    }
}
