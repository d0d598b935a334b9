package io.blockseal.transfer;

import io.blockseal.block.Errno;
import io.blockseal.transfer.TransferException.Kind;

/** From a request that failed to words for an operator: which end, where, why, what to do. */
final class Trouble {
    private static final int STEP_BYTES = 4096;

    private Trouble() {}

    /** What went wrong with a request that began at {@code offset}. */
    static TransferException of(Lane lane, boolean reading, Errno errno, long offset) {
        Side side = lane.side();
        String said = side.trouble().get();
        long place = reading && errno == Errno.EIO ? firstUnreadable(lane, offset) : offset;
        String why =
                switch (errno) {
                    case ENOSPC -> "no space is left.\n  Make room there.";
                    case EPERM -> "it is not permitted.\n  See who may use it, and whether it is read-only.";
                    case ESHUTDOWN -> "its server is going away.\n  Start it again.";
                    default ->
                        "input/output error.\n  Look at the storage behind it"
                                + (reading ? "; what can still be read may be saved with ddrescue." : ".");
                };
        return new TransferException(
                Kind.BROKEN,
                side.name() + (reading ? ": cannot be read at offset " : ": cannot be written at offset ") + place
                        + ": " + (said.isEmpty() ? "" : said + "; ") + why);
    }

    /** A piece is large; the place that cannot be read is small. */
    private static long firstUnreadable(Lane lane, long offset) {
        long end = Math.min(lane.side().sizeBytes(), offset + Copier.PIECE_BYTES);
        byte[] step = new byte[STEP_BYTES];
        for (long at = offset; at < end; at += STEP_BYTES) {
            byte[] into = end - at < STEP_BYTES ? new byte[(int) (end - at)] : step;
            if (lane.read(at, into) != Errno.OK) {
                return at;
            }
        }
        return offset;
    }
}
