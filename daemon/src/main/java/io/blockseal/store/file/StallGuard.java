package io.blockseal.store.file;

import io.blockseal.block.HotPath;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * Whether one store answers as quickly as a local disk should. Event loops ask it before they make a call themselves: a
 * call that waits for a storage which has stopped answering would hold up every client of the loop, and every volume.
 *
 * <p>Two signs count: a pool thread's call or a ring's request that has been out for {@link #STALL_NANOS}, and a call on
 * a loop that took {@link #SLOW_NANOS}, which is distrusted for {@link #DISTRUST_NANOS}. While there is a sign the pool
 * makes all calls; when the storage answers again, loops do by themselves. A ring heeds only calls that were slow
 * ({@link #distrusts}): to send more requests to a storage that hangs holds up no loop. From any thread.
 */
@HotPath("asked before every call that a loop makes itself")
final class StallGuard {
    /** A flush of a busy disk takes some hundred milliseconds; longer is worth the detour by the pool. */
    static final long STALL_NANOS = 500_000_000;
    /** What throttled writers wait for in the page cache. */
    static final long SLOW_NANOS = 20_000_000;

    static final long DISTRUST_NANOS = 5_000_000_000L;

    /** Of {@link Outstanding#begun}: nothing is out. */
    static final long IDLE = 0;

    /** What one loop's ring has out. Its loop writes it, anybody reads it. */
    static final class Outstanding {
        private final AtomicLong begun = new AtomicLong(IDLE);

        /** The oldest began at that time, or {@link #IDLE}. */
        void oldest(long nanos) {
            begun.setRelease(nanos);
        }
    }

    private final LongSupplier nanoTime;
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicLongArray begun;
    private volatile Outstanding[] rings = {};
    private volatile boolean distrusted;
    private volatile long distrustedUntil;

    /** For a pool of {@code threads}; {@code nanoTime} as {@link System#nanoTime}. */
    StallGuard(int threads, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.begun = new AtomicLongArray(threads);
    }

    /** Pool thread {@code index} begins a call. */
    void poolCallBegins(int index) {
        // Odd, and so never IDLE.
        begun.set(index, nanoTime.getAsLong() | 1);
        running.incrementAndGet();
    }

    /** It is back. */
    void poolCallEnds(int index) {
        running.decrementAndGet();
        begun.set(index, IDLE);
    }

    /** Begins to look at a ring. */
    synchronized void addRing(Outstanding ring) {
        Outstanding[] more = Arrays.copyOf(rings, rings.length + 1);
        more[rings.length] = ring;
        rings = more;
    }

    /** The ring is closed. */
    synchronized void removeRing(Outstanding ring) {
        Outstanding[] fewer = Arrays.copyOf(rings, rings.length - 1);
        int kept = 0;
        for (Outstanding each : rings) {
            if (each != ring) {
                fewer[kept++] = each;
            }
        }
        rings = fewer;
    }

    /** The time, for a loop that is about to make a call and wants to tell how long it took. */
    long now() {
        return nanoTime.getAsLong();
    }

    /** A loop's own call that began at {@code startNanos} has come back. */
    void loopCallEnded(long startNanos) {
        ended(startNanos, 0, SLOW_NANOS);
    }

    /**
     * Likewise, of a call that only sent off requests of a burst, after others that took {@code earlierNanos}. The system
     * makes it wait for no disk, so that a slow one was kept from a busy processor; except if the system does not do as it
     * says.
     *
     * @return what all of them have taken, in nanoseconds
     */
    long sendingEnded(long startNanos, long earlierNanos) {
        return ended(startNanos, earlierNanos, STALL_NANOS);
    }

    private long ended(long startNanos, long earlierNanos, long limitNanos) {
        long now = nanoTime.getAsLong();
        long taken = earlierNanos + (now - startNanos);
        if (taken > limitNanos) {
            distrustedUntil = now + DISTRUST_NANOS;
            distrusted = true;
        }
        return taken;
    }

    /** Whether a loop should leave its calls to the pool for now. */
    boolean stalls() {
        return distrusts() || (running.get() > 0 && aPoolCallHangs()) || aRingHangs();
    }

    /** Whether a call on a loop was slow a moment ago; all that counts for a loop whose calls only send off requests. */
    boolean distrusts() {
        if (distrusted) {
            if (nanoTime.getAsLong() - distrustedUntil < 0) {
                return true;
            }
            distrusted = false;
        }
        return false;
    }

    private boolean aPoolCallHangs() {
        long now = nanoTime.getAsLong();
        for (int i = 0; i < begun.length(); i++) {
            long since = begun.get(i);
            if (since != IDLE && now - since > STALL_NANOS) {
                return true;
            }
        }
        return false;
    }

    private boolean aRingHangs() {
        for (Outstanding ring : rings) {
            long since = ring.begun.getAcquire();
            if (since != IDLE && nanoTime.getAsLong() - since > STALL_NANOS) {
                return true;
            }
        }
        return false;
    }
}
