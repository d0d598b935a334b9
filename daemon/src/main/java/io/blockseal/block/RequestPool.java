package io.blockseal.block;

import java.util.ArrayDeque;

/** One loop's idle requests. Used on that loop's thread only; grows when it must and never shrinks. */
@HotPath("every request is leased here and released here")
public final class RequestPool {
    private final ArrayDeque<BlockRequest> idle;
    private int leased;

    /** Starts with {@code initialCount} requests made in advance. */
    public RequestPool(int initialCount) {
        idle = new ArrayDeque<>(initialCount + 1);
        for (int i = 0; i < initialCount; i++) {
            idle.push(new BlockRequest());
        }
    }

    /** A clean request, the caller's until it is released. */
    public BlockRequest lease() {
        leased++;
        BlockRequest request = idle.poll();
        return request != null ? request : grow();
    }

    /** Takes the request back; nobody may use it any more. */
    public void release(BlockRequest request) {
        request.clear();
        leased--;
        idle.push(request);
    }

    /** How many are out: zero when nothing is in flight. */
    public int leasedCount() {
        return leased;
    }

    private static BlockRequest grow() {
        return new BlockRequest();
    }
}
