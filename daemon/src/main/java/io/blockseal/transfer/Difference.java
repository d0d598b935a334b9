package io.blockseal.transfer;

import io.blockseal.block.Errno;
import io.blockseal.transfer.TransferException.Kind;
import java.util.Arrays;

/** Finds the byte behind two sums that differ, by reading both ends once more. */
final class Difference {
    private Difference() {}

    /** They differ somewhere from {@code begin} to {@code end}. */
    static TransferException between(Lane from, Lane to, long begin, long end) {
        for (long offset = begin; offset < end; offset += Copier.PIECE_BYTES) {
            byte[] read = new byte[(int) Math.min(end - offset, Copier.PIECE_BYTES)];
            byte[] back = new byte[read.length];
            if (from.read(offset, read) != Errno.OK || to.read(offset, back) != Errno.OK) {
                break;
            }
            int at = Arrays.mismatch(read, back);
            if (at >= 0) {
                return different(to, "what was read back differs from the source at offset " + (offset + at));
            }
        }
        return different(
                to,
                "what was read back differs from what was read of the source, between the offsets " + begin + " and "
                        + end + "; read once more, they are the same");
    }

    private static TransferException different(Lane to, String how) {
        return new TransferException(
                Kind.DIFFERENT,
                to.side().name() + ": " + how + ".\n"
                        + "  Either somebody wrote to one of the two meanwhile, or a disk, a memory or a cable fails:"
                        + " do not use the copy.");
    }
}
