package io.blockseal.server;

import java.util.Collection;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/** All connections that still have something: bounds their number and lets a closing server wait. From any thread. */
final class ConnectionTable {
    private final int limit;
    private final AtomicInteger count = new AtomicInteger();
    private volatile boolean closed;
    private final Set<Connection> open = ConcurrentHashMap.newKeySet();

    ConnectionTable(int limit) {
        this.limit = limit;
    }

    /** Takes a place for one more connection; false if there is none. */
    boolean takePlace() {
        while (true) {
            int now = count.get();
            if (now >= limit || closed) {
                return false;
            }
            if (count.compareAndSet(now, now + 1)) {
                return true;
            }
        }
    }

    /** Lets nobody in any more. */
    void close() {
        closed = true;
    }

    /** Whether that is so. */
    boolean isClosed() {
        return closed;
    }

    void add(Connection connection) {
        open.add(connection);
    }

    void remove(Connection connection) {
        if (open.remove(connection)) {
            synchronized (this) {
                count.decrementAndGet();
                notifyAll();
            }
        }
    }

    int count() {
        return count.get();
    }

    Iterable<Connection> all() {
        return open;
    }

    /** Waits until no connection is left; false if some are left after that time. */
    boolean awaitEmpty(long timeoutMillis) throws InterruptedException {
        return await(() -> count.get() == 0, timeoutMillis);
    }

    /** Likewise, of these. */
    boolean awaitGone(Collection<Connection> these, long timeoutMillis) throws InterruptedException {
        return await(() -> Collections.disjoint(open, these), timeoutMillis);
    }

    private synchronized boolean await(BooleanSupplier condition, long timeoutMillis) throws InterruptedException {
        long deadline = System.nanoTime() + timeoutMillis * 1_000_000L;
        while (!condition.getAsBoolean()) {
            long leftMillis = (deadline - System.nanoTime()) / 1_000_000L;
            if (leftMillis <= 0) {
                return false;
            }
            wait(leftMillis);
        }
        return true;
    }
}
