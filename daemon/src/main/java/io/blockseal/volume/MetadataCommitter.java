package io.blockseal.volume;

import io.blockseal.block.Errno;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.MetadataState.CommitFailedException;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only writer of a volume's metadata. Callers leave what they want from any thread; one keeper at a time takes all
 * that has gathered and commits it together.
 *
 * <p>Fail-stop: after a failure that leaves the disk in doubt, nothing is committed any more until the volume is opened
 * anew; ranges that have their DEK go on as before.
 */
final class MetadataCommitter {
    /** Whether commits go on. */
    enum State {
        /** Commits are made. */
        RUNNING,
        /** A commit failed in doubt: every further one is refused with EIO. */
        FAILED,
        /** No more are taken. */
        CLOSED
    }

    /** Work that wants the metadata for itself: key slots, growth. */
    interface Task {
        void run() throws StoreException, CommitFailedException, VolumeRefusedException;
    }

    private record Wanted(long range, Executor loop, Consumer<Errno> whenDone) {
        void answer(Errno errno) {
            try {
                loop.execute(() -> whenDone.accept(errno));
            } catch (RejectedExecutionException e) {
                LOG.debug("range={}: the loop that asked for a key is gone", range);
            }
        }
    }

    private static final Logger LOG = LoggerFactory.getLogger(MetadataCommitter.class);

    private final String volumeName;
    private final MetadataState metadata;
    private final DekAllocator allocator;
    private final RollbackAnchors anchors;
    private final Executor keeper;
    private final InstantSource clock;

    private final Object lock = new Object();
    private List<Wanted> wanted = new ArrayList<>();
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private boolean running;
    private volatile State state = State.RUNNING;
    /** The last commit that this host remembers, or that was found; the keeper's own. */
    private long anchoredSeq;

    MetadataCommitter(
            String volumeName,
            MetadataState metadata,
            DekAllocator allocator,
            RollbackAnchors anchors,
            Executor keeper,
            InstantSource clock) {
        this.volumeName = volumeName;
        this.metadata = metadata;
        this.allocator = allocator;
        this.anchors = anchors;
        this.anchoredSeq = metadata.root().commitSeq();
        this.keeper = keeper;
        this.clock = clock;
    }

    State state() {
        return state;
    }

    /** Queues a range; {@code whenDone} runs on {@code loop}. From any thread, never blocks. */
    void allocate(long range, Executor loop, Consumer<Errno> whenDone) {
        Wanted request = new Wanted(range, loop, whenDone);
        synchronized (lock) {
            if (state == State.RUNNING) {
                wanted.add(request);
                if (startKeeper()) {
                    return;
                }
                wanted.remove(request);
            }
        }
        request.answer(state == State.FAILED ? Errno.EIO : Errno.ESHUTDOWN);
    }

    /** Runs {@code task} on the keeper, alone, and waits for it. Not on a loop. */
    void runAlone(Task task) throws StoreException, VolumeRefusedException {
        CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
        synchronized (lock) {
            if (state != State.RUNNING) {
                throw notWritable();
            }
            tasks.add(() -> runTask(task, done));
            if (!startKeeper()) {
                tasks.removeLast();
                throw notWritable();
            }
        }
        await(done);
    }

    /** Commits a changed root from within a {@link Task}. */
    void commitRoot(RootBlock next) throws CommitFailedException {
        commit(next, List.of());
    }

    /**
     * Commits a changed root and pages from within a {@link Task} that destroys a secret: when it returns, no copy of
     * what the pages held before is left in the metadata.
     *
     * @throws StoreException if the commit stands and old copies may be left; opening the volume anew overwrites them
     */
    void commitAndScrub(RootBlock next, Collection<TablePage> pages) throws StoreException, CommitFailedException {
        commit(next, pages);
        try {
            if (state != State.FAILED) {
                metadata.store().flush();
                return;
            }
        } catch (StoreException e) {
            stop("the second copies could not be made durable", e);
        }
        throw new StoreException(
                Errno.EIO,
                volumeName + ": done, but old copies of the metadata could not be overwritten; they will be when the"
                        + " volume is opened again");
    }

    /** Gives the slot of a range back, from within a {@link Task}. */
    void release(long slot) {
        allocator.release(slot);
    }

    /** Ends the queue: what is being written is finished, what waits is answered with ESHUTDOWN. */
    void close() {
        List<Wanted> refused;
        synchronized (lock) {
            state = State.CLOSED;
            refused = wanted;
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
        }
        refused.forEach(request -> request.answer(Errno.ESHUTDOWN));
    }

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
                serve(batch);
                anchor();
            }
        }
    }

    /**
     * Remembers the last commit, once it is durable in every copy: an anchor ahead of a copy would, when the other one
     * is damaged, call a loss of the storage a rollback. Whoever waited for the commit has its answer already.
     */
    private void anchor() {
        RootBlock root = metadata.root();
        if (!anchors.remembers() || root.commitSeq() == anchoredSeq || state == State.FAILED) {
            return;
        }
        try {
            metadata.store().flush();
        } catch (StoreException e) {
            stop("the second copies could not be made durable", e);
            return;
        }
        if (anchors.remember(volumeName, root)) {
            anchoredSeq = root.commitSeq();
        }
    }

    private void serve(List<Wanted> batch) {
        Errno failed = Errno.EIO;
        List<Errno> answers = new ArrayList<>();
        DekAllocator.Draft draft = allocator.newDraft(metadata.root().commitSeq() + 1);
        try {
            for (Wanted request : batch) {
                answers.add(state == State.RUNNING ? allocator.prepare(draft, request.range()) : Errno.EIO);
            }
            if (!draft.pages().isEmpty()) {
                RootBlock next = metadata.root().copy();
                draft.settle(next);
                commit(next, draft.pages());
                LOG.debug(
                        "volume={} pages={}: ranges have their keys",
                        volumeName,
                        draft.pages().size());
            }
            failed = Errno.OK;
        } catch (StoreException e) {
            LOG.warn("volume={}: no keys for new ranges: {}", volumeName, e.getMessage());
            failed = e.errno();
        } catch (CommitFailedException e) {
            failed = e.reason().errno();
        } catch (RuntimeException | Error e) {
            stop("our own defect", e);
        } finally {
            if (failed != Errno.OK) {
                draft.abandon();
            }
        }
        for (int i = 0; i < batch.size(); i++) {
            Errno answer = i < answers.size() ? answers.get(i) : Errno.EIO;
            // A range that was ACTIVE before needs nothing of this commit.
            boolean touched =
                    i >= answers.size() || !allocator.isActive(batch.get(i).range());
            batch.get(i).answer(answer == Errno.OK && touched ? failed : answer);
        }
    }

    private void commit(RootBlock next, Collection<TablePage> pages) throws CommitFailedException {
        try {
            metadata.commit(next, pages, clock.instant().getEpochSecond());
        } catch (CommitFailedException e) {
            if (e.failure() == MetadataState.Failure.UNKNOWN) {
                stop("a commit failed half-way", e.reason());
            } else {
                LOG.warn("volume={}: commit undone: {}", volumeName, e.getMessage());
            }
            throw e;
        }
        try {
            metadata.mirror(pages);
        } catch (StoreException e) {
            // The commit stands. But a second copy is missing, and a store that fails writes deserves no further ones.
            stop("the second copy could not be written", e);
        }
    }

    private void stop(String what, Throwable reason) {
        synchronized (lock) {
            if (state == State.RUNNING) {
                state = State.FAILED;
            }
        }
        LOG.error(
                "volume={}: metadata stopped: {}: {}. Ranges in use go on, new ranges fail with EIO. Repair the store,"
                        + " then close and open the volume again.",
                volumeName,
                what,
                reason.getMessage(),
                reason);
    }

    private void runTask(Task task, CompletableFuture<@Nullable Void> done) {
        try {
            if (state != State.RUNNING) {
                throw notWritable();
            }
            task.run();
            // Before the answer: who was told that a key is removed must not find it back by an older copy.
            anchor();
            done.complete(null);
        } catch (RuntimeException | Error e) {
            stop("our own defect", e);
            done.completeExceptionally(e);
        } catch (Exception e) {
            done.completeExceptionally(e);
        }
    }

    private VolumeRefusedException notWritable() {
        return new VolumeRefusedException(
                VolumeRefusedException.Reason.NOT_WRITABLE,
                volumeName + ": the metadata takes no changes (" + state + "); close the volume and open it again");
    }

    private static void await(CompletableFuture<@Nullable Void> done) throws StoreException, VolumeRefusedException {
        try {
            done.join();
        } catch (CompletionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof StoreException store) {
                throw store;
            }
            if (cause instanceof CommitFailedException failed) {
                throw failed.reason();
            }
            if (cause instanceof VolumeRefusedException refused) {
                throw refused;
            }
            throw e;
        }
    }
}
