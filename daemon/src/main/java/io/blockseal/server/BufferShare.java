package io.blockseal.server;

import io.blockseal.block.HotPath;
import io.blockseal.memory.BufferArena;

/**
 * How much of a loop's buffers one connection may hold, for requests in flight and for replies that its client has not
 * taken: as much as is free in the first half of them, and {@link #LEAST_BYTES} in any case. So the second half is there
 * for those who hold nothing yet, and clients that never take their replies fill it only in the smallest pieces. A buffer
 * counts as what it takes of the memory, which is 8 KiB for a request of one byte.
 *
 * <p>TLS makes other bytes of replies, which lie beside the buffers until they are taken. They count as if they were in
 * them: else clients that never read would hold as much there as they like. One loop's thread.
 */
@HotPath("asked before every part of a READ or WRITE")
final class BufferShare {
    /** What everybody gets, and how fine a payload is cut when there is no more: one of the sizes that an arena has. */
    static final int LEAST_BYTES = 64 << 10;

    private final BufferArena arena;
    private final long halfBytes;
    private long besideBytes;

    BufferShare(BufferArena arena) {
        this.arena = arena;
        this.halfBytes = arena.budget().limitBytes() / 2;
    }

    /** What a connection may hold just now. */
    long bytes() {
        return Math.max(LEAST_BYTES, halfBytes - arena.leasedBytes() - besideBytes);
    }

    /** So much more, or less, lies beside the buffers. */
    void changeBeside(long bytes) {
        besideBytes += bytes;
    }

    /** What lies beside them. */
    long besideBytes() {
        return besideBytes;
    }
}
