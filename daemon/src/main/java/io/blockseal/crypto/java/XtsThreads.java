package io.blockseal.crypto.java;

import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;

/** Every thread's {@link XtsThread}, so that a key can be dropped from all of them when it is freed. */
final class XtsThreads {
    /** Weak, as a thread that ended takes its own along. */
    private final Set<XtsThread> all = Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));

    private final ThreadLocal<XtsThread> ofThread = ThreadLocal.withInitial(() -> {
        XtsThread thread = new XtsThread();
        all.add(thread);
        return thread;
    });

    /** The calling thread's. */
    XtsThread current() {
        return ofThread.get();
    }

    /** Drops the calling thread's schedules and scratch. */
    void forgetCurrent() {
        all.remove(ofThread.get());
        ofThread.remove();
    }

    /** Drops every thread's schedule of this key. */
    void forget(HeapKey key) {
        synchronized (all) {
            for (XtsThread thread : all) {
                thread.drop(key);
            }
        }
    }
}
