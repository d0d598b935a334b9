package io.blockseal.memory;

import java.util.concurrent.atomic.AtomicLong;

/** How many bytes of slabs all arenas together may map. Touched only when an arena grows. */
public final class BufferBudget {
    private final long limitBytes;
    private final AtomicLong mapped = new AtomicLong();

    /** A bound of {@code limitBytes} over all loops. */
    public BufferBudget(long limitBytes) {
        this.limitBytes = limitBytes;
    }

    boolean take(long bytes) {
        while (true) {
            long now = mapped.get();
            if (now + bytes > limitBytes) {
                return false;
            }
            if (mapped.compareAndSet(now, now + bytes)) {
                return true;
            }
        }
    }

    /** The bound. */
    public long limitBytes() {
        return limitBytes;
    }

    /** What is mapped now, over all loops. */
    public long mappedBytes() {
        return mapped.get();
    }
}
