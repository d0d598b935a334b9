package io.blockseal.volume.metadata;

import io.blockseal.block.Errno;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the keeper of one volume has to do, left here from any thread: tasks, one by one, and wishes for keys, as many
 * together as have gathered. A keeper thread is asked for when there is something to do, and there is never more than
 * one at a time. Whatever breaks on the way, every wish is answered and {@link #close} comes back.
 */
final class KeeperQueue {
    /** A range that needs its DEK, and who waits for it. */
    static final class Wanted {
        private final long range;
        private final Executor loop;
        private final Consumer<Errno> whenDone;
        /** Of whoever has it: who queues it, then the keeper. */
        private boolean answered;

        Wanted(long range, Executor loop, Consumer<Errno> whenDone) {
            this.range = range;
            this.loop = loop;
            this.whenDone = whenDone;
        }

        long range() {
            return range;
        }

        /** Tells who waits; only the first answer counts. */
        void answer(Errno errno) {
            if (answered) {
                return;
            }
            answered = true;
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

        /** All wishes that have gathered; at least one. Those that it leaves without an answer get EIO. */
        void serve(List<Wanted> batch);

        /** A task, or one of the above, has not come to its end, for a reason that is nobody's but ours. */
        void defect(Throwable reason);
    }

    private static final Logger LOG = LoggerFactory.getLogger(KeeperQueue.class);

    private final Executor keeper;
    private final Work work;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition idle = lock.newCondition();
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
        return queue(() -> wanted.add(request), () -> wanted.remove(request));
    }

    /** Queues a task behind those that wait, before all wishes; false if nothing is taken any more. Never blocks. */
    boolean add(Runnable task) {
        return queue(() -> tasks.addLast(task), tasks::removeLast);
    }

    /** The same, but before everything that waits. */
    boolean addFirst(Runnable task) {
        return queue(() -> tasks.addFirst(task), tasks::removeFirst);
    }

    private boolean queue(Runnable put, Runnable takeBack) {
        lock.lock();
        try {
            if (closed) {
                return false;
            }
            put.run();
            if (startKeeper()) {
                return true;
            }
            takeBack.run();
            return false;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes nothing any more, and waits until the keeper has done what it had begun and all tasks.
     *
     * @return the wishes that nobody will serve
     */
    List<Wanted> close() {
        lock.lock();
        try {
            closed = true;
            List<Wanted> refused = wanted;
            wanted = new ArrayList<>();
            while (running) {
                idle.awaitUninterruptibly();
            }
            return refused;
        } finally {
            lock.unlock();
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
        guard(work::beforeNext);
        for (Runnable next = next(); next != null; next = next()) {
            guard(next);
            guard(work::beforeNext);
        }
    }

    /** Null if there is nothing to do: then the keeper has ended. */
    private @Nullable Runnable next() {
        lock.lock();
        try {
            Runnable task = tasks.poll();
            if (task != null) {
                return task;
            }
            List<Wanted> batch = wanted;
            wanted = new ArrayList<>();
            if (!batch.isEmpty()) {
                return () -> serve(batch);
            }
            running = false;
            idle.signalAll();
            return null;
        } finally {
            lock.unlock();
        }
    }

    private void serve(List<Wanted> batch) {
        try {
            work.serve(batch);
        } finally {
            batch.forEach(request -> request.answer(Errno.EIO));
        }
    }

    private void guard(Runnable step) {
        try {
            step.run();
        } catch (RuntimeException | Error e) {
            work.defect(e);
        }
    }
}
