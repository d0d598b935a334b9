package io.blockseal.device;

import io.blockseal.block.HotPath;
import java.util.ArrayDeque;
import java.util.function.Function;

/**
 * One channel's idle per-request states of one kind. Used on the channel's loop only; grows when it must and never
 * shrinks.
 */
@HotPath("every request that needs a state leases it here")
final class FreeList<C, T> {
    private final C channel;
    private final Function<C, T> maker;
    private final ArrayDeque<T> idle = new ArrayDeque<>();

    FreeList(C channel, Function<C, T> maker) {
        this.channel = channel;
        this.maker = maker;
    }

    /** An idle state, the caller's until it is released. */
    T lease() {
        T state = idle.poll();
        return state != null ? state : maker.apply(channel);
    }

    void release(T state) {
        idle.push(state);
    }
}
