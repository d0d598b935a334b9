package io.blockseal.memory;

import java.util.concurrent.atomic.AtomicLong;

/**
 * How many bytes of slabs an arena may map. Several arenas may share one only if each has mapped some before another can
 * take all, as slabs never go back and an arena wakes its waiters only when its own buffers return. Touched only when an
 * arena grows.
 */
public final class BufferBudget {
    private final long limitBytes;
    private final AtomicLong mapped = new AtomicLong();

    /** A bound of {@code limitBytes} over all arenas that share it. */
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

    /** What was taken was not mapped after all. */
    void giveBack(long bytes) {
        mapped.addAndGet(-bytes);
    }

    /** The bound. */
    public long limitBytes() {
        return limitBytes;
    }

    /** What is mapped now. */
    public long mappedBytes() {
        return mapped.get();
    }
}
