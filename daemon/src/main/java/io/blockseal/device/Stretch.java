package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;

/** Arithmetic on stretches of a device, with 64-bit lengths and no overflow. Block sizes are powers of two. */
@HotPath("every request is checked here")
final class Stretch {
    private Stretch() {}

    /**
     * Whether a request fits into a device of {@code sizeBytes}: OK, or what the NBD specification asks to answer.
     * FLUSH has no stretch and always fits.
     */
    static Errno check(BlockRequest request, long sizeBytes) {
        Command command = request.command();
        if (command == Command.FLUSH) {
            return Errno.OK;
        }
        long offset = request.offset();
        long length = request.length();
        if (offset >= 0 && length >= 0 && offset <= sizeBytes && length <= sizeBytes - offset) {
            return Errno.OK;
        }
        return command == Command.WRITE || command == Command.WRITE_ZEROES ? Errno.ENOSPC : Errno.EINVAL;
    }

    static boolean changes(Command command) {
        return command == Command.WRITE || command == Command.TRIM || command == Command.WRITE_ZEROES;
    }

    static boolean isAligned(long offsetOrLength, int blockBytes) {
        return (offsetOrLength & (blockBytes - 1)) == 0;
    }

    static long roundDown(long offset, int blockBytes) {
        return offset & -(long) blockBytes;
    }

    /** The caller knows that there is a whole block after {@code offset - 1}. */
    static long roundUp(long offset, int blockBytes) {
        return (offset + blockBytes - 1) & -(long) blockBytes;
    }
}
