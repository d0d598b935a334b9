package io.blockseal.store.file;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.HotPath;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The requests that a ring has out, by tag, and in the order in which they went. On the ring's loop. */
@HotPath("every request of a ring is in it")
final class RequestsOut {
    /** Instead of a tag: there is none. */
    static final int NONE = -1;

    private final @Nullable BlockRequest[] requests;
    private final @Nullable FileChannelOfLoop[] channels;
    private final long[] begun;
    /** Tags that are free; the first {@link #freeCount} count. */
    private final int[] free;

    private final int[] older;
    private final int[] newer;
    private int freeCount;
    private int oldest = NONE;
    private int newest = NONE;

    /** Room for {@code capacity} requests; their tags are less than that. */
    RequestsOut(int capacity) {
        requests = new BlockRequest[capacity];
        channels = new FileChannelOfLoop[capacity];
        begun = new long[capacity];
        free = new int[capacity];
        older = new int[capacity];
        newer = new int[capacity];
        for (int tag = 0; tag < capacity; tag++) {
            free[freeCount++] = capacity - 1 - tag;
        }
    }

    boolean isFull() {
        return freeCount == 0;
    }

    boolean isEmpty() {
        return freeCount == free.length;
    }

    /** Adds a request as the newest and returns its tag. There must be room. */
    int add(BlockRequest request, FileChannelOfLoop channel) {
        int tag = free[--freeCount];
        requests[tag] = request;
        channels[tag] = channel;
        older[tag] = newest;
        newer[tag] = NONE;
        if (newest == NONE) {
            oldest = tag;
        } else {
            newer[newest] = tag;
        }
        newest = tag;
        return tag;
    }

    BlockRequest request(int tag) {
        return Objects.requireNonNull(requests[tag]);
    }

    /** The channel by which it came. */
    FileChannelOfLoop channel(int tag) {
        return Objects.requireNonNull(channels[tag]);
    }

    /** Forgets a request. */
    void remove(int tag) {
        requests[tag] = null;
        channels[tag] = null;
        int before = older[tag];
        int after = newer[tag];
        if (before == NONE) {
            oldest = after;
        } else {
            newer[before] = after;
        }
        if (after == NONE) {
            newest = before;
        } else {
            older[after] = before;
        }
        free[freeCount++] = tag;
    }

    /** The one that went just before it, or {@link #NONE}. */
    int older(int tag) {
        return older[tag];
    }

    /** The newest of all. */
    int newest() {
        return newest;
    }

    /** The {@code count} newest go out now. */
    void stampNewest(int count, long nanos) {
        int tag = newest;
        for (int i = 0; i < count; i++) {
            begun[tag] = nanos;
            tag = older[tag];
        }
    }

    /** When the oldest went out, never {@link StallGuard#IDLE}; or that, if there is none. */
    long oldestBegun() {
        return oldest == NONE ? StallGuard.IDLE : begun[oldest] | 1;
    }
}
