package io.blockseal.volume.metadata;

import io.blockseal.block.Errno;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the keeper of one volume has to do, left here from any thread: tasks, one by one, and wishes for keys, as many
 * together as have gathered. A keeper thread is asked for when there is something to do, and there is never more than
 * one at a time.
 */
final class KeeperQueue {
    /** A range that needs its DEK, and who waits for it. */
    record Wanted(long range, Executor loop, Consumer<Errno> whenDone) {
        void answer(Errno errno) {
            try {
                loop.execute(() -> whenDone.accept(errno));
            } catch (RejectedExecutionException e) {
                LOG.debug("range={}: the loop that asked for a key is gone", range);
            }
        }
    }

    /** What is done with it all. On the keeper. */
    interface Work {
        /** Called before each look into the queue. */
        void beforeNext();

        /** All wishes that have gathered; at least one. */
        void serve(List<Wanted> batch);
    }

    private static final Logger LOG = LoggerFactory.getLogger(KeeperQueue.class);

    private final Executor keeper;
    private final Work work;
    private final Object lock = new Object();
    private List<Wanted> wanted = new ArrayList<>();
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private boolean running;
    private boolean closed;

    KeeperQueue(Executor keeper, Work work) {
        this.keeper = keeper;
        this.work = work;
    }

    /** Queues a wish; false if nothing is taken any more. Never blocks. */
    boolean add(Wanted request) {
        synchronized (lock) {
            if (closed) {
                return false;
            }
            wanted.add(request);
            if (startKeeper()) {
                return true;
            }
            wanted.remove(request);
            return false;
        }
    }

    /** Queues a task behind those that wait, before all wishes; false if nothing is taken any more. Never blocks. */
    boolean add(Runnable task) {
        synchronized (lock) {
            if (closed) {
                return false;
            }
            tasks.add(task);
            if (startKeeper()) {
                return true;
            }
            tasks.removeLast();
            return false;
        }
    }

    /** The same, but before everything that waits. */
    boolean addFirst(Runnable task) {
        synchronized (lock) {
            if (closed) {
                return false;
            }
            tasks.addFirst(task);
            if (startKeeper()) {
                return true;
            }
            tasks.removeFirst();
            return false;
        }
    }

    /**
     * Takes nothing any more, and waits until the keeper has done what it had begun and all tasks.
     *
     * @return the wishes that nobody will serve
     */
    List<Wanted> close() {
        synchronized (lock) {
            closed = true;
            List<Wanted> refused = wanted;
            wanted = new ArrayList<>();
            boolean interrupted = false;
            while (running) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            return refused;
        }
    }

    /** With the lock held. */
    private boolean startKeeper() {
        if (running) {
            return true;
        }
        try {
            running = true;
            keeper.execute(this::drain);
            return true;
        } catch (RejectedExecutionException e) {
            running = false;
            return false;
        }
    }

    private void drain() {
        while (true) {
            work.beforeNext();
            Runnable task;
            List<Wanted> batch;
            synchronized (lock) {
                task = tasks.poll();
                batch = task == null ? wanted : List.of();
                if (task == null) {
                    wanted = new ArrayList<>();
                }
                if (task == null && batch.isEmpty()) {
                    running = false;
                    lock.notifyAll();
                    return;
                }
            }
            if (task != null) {
                task.run();
            } else {
                work.serve(batch);
            }
        }
    }
}
