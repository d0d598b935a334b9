package io.blockseal.server;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

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

    void add(Connection connection) {
        open.add(connection);
    }

    void remove(Connection connection) {
        if (open.remove(connection)) {
            synchronized (this) {
                if (count.decrementAndGet() == 0) {
                    notifyAll();
                }
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
    synchronized boolean awaitEmpty(long timeoutMillis) throws InterruptedException {
        long deadline = System.nanoTime() + timeoutMillis * 1_000_000L;
        while (count.get() > 0) {
            long leftMillis = (deadline - System.nanoTime()) / 1_000_000L;
            if (leftMillis <= 0) {
                return false;
            }
            wait(leftMillis);
        }
        return true;
    }
}
