package io.blockseal.store.file;

import io.blockseal.block.IoLoop;
import io.blockseal.block.RequestPool;
import io.blockseal.block.ThreadLoop;
import io.blockseal.memory.BufferArena;
import io.blockseal.memory.BufferBudget;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A loop that is the test's own thread: nothing happens on it but in {@link #poll}. */
final class PolledLoop implements IoLoop {
    private final BufferArena buffers =
            new BufferArena(this, Thread.currentThread(), ThreadLoop.memory(), new BufferBudget(64L << 20));
    private final RequestPool requests = new RequestPool(16);
    private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final List<Runnable> watches = new ArrayList<>();
    /** What comes of {@link #watch} instead, if anything. */
    @Nullable
    Supplier<@Nullable Watch> insteadOfWatching;

    /** How many processors others need for this loop. */
    final AtomicInteger processors = new AtomicInteger();

    @Override
    public void usesProcessor(int change) {
        processors.addAndGet(change);
    }

    /** How many files have requests at a disk. */
    int disks;

    @Override
    public void awaitsDisk(int change) {
        disks += change;
    }

    /** Runs a task, and whoever watches a descriptor, as if that were readable. */
    void poll() {
        Runnable task = tasks.poll();
        if (task != null) {
            task.run();
        }
        for (int i = 0; i < watches.size(); i++) {
            watches.get(i).run();
        }
        Thread.onSpinWait();
    }

    /** Likewise, until it is so. */
    void pollUntil(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            poll();
        }
    }

    int watchCount() {
        return watches.size();
    }

    @Override
    public @Nullable Watch watch(int descriptor, Runnable whenReadable) {
        if (insteadOfWatching != null) {
            return insteadOfWatching.get();
        }
        watches.add(whenReadable);
        return () -> watches.remove(whenReadable);
    }

    @Override
    public int index() {
        return 0;
    }

    @Override
    public boolean inLoop() {
        return true;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public BufferArena buffers() {
        return buffers;
    }

    @Override
    public RequestPool requests() {
        return requests;
    }
}
