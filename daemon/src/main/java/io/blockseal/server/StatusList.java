package io.blockseal.server;

import io.blockseal.block.HotPath;
import io.netty.buffer.ByteBuf;

/**
 * The payload that a BLOCK_STATUS may have with extended headers, if that was offered: about how many bytes it asks, and
 * which of the selected contexts shall answer ("NBD_CMD_BLOCK_STATUS").
 *
 * <pre>
 * length 8 | context 4 | context 4 | ...
 * </pre>
 */
@HotPath("read for every such BLOCK_STATUS")
final class StatusList {
    private static final int LENGTH_BYTES = 8;
    private static final int CONTEXT_BYTES = 4;

    private StatusList() {}

    /** What a payload has that names {@code count} contexts. */
    static int bytes(int count) {
        return LENGTH_BYTES + count * CONTEXT_BYTES;
    }

    /** Whether a payload of so many bytes names contexts, one at least. */
    static boolean isWhole(int bytes) {
        return bytes >= bytes(1) && (bytes - LENGTH_BYTES) % CONTEXT_BYTES == 0;
    }

    /** The length that is asked about, unsigned. */
    static long length(ByteBuf in, int index) {
        return in.getLong(index);
    }

    /** Which of {@code contexts} are named; none if one is unknown, or named twice. */
    static long chosen(ByteBuf in, int index, int payloadBytes, StatusContexts contexts) {
        long chosen = 0;
        for (int at = LENGTH_BYTES; at < payloadBytes; at += CONTEXT_BYTES) {
            long bit = contexts.bitOf(in.getInt(index + at));
            if (bit == 0 || (chosen & bit) != 0) {
                return 0;
            }
            chosen |= bit;
        }
        return chosen;
    }
}
