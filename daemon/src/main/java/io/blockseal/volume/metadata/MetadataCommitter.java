package io.blockseal.volume.metadata;

import io.blockseal.block.Errno;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.host.RollbackAnchors;
import io.blockseal.volume.metadata.KeeperQueue.Wanted;
import io.blockseal.volume.metadata.MetadataState.CommitFailedException;
import io.blockseal.volume.table.CountedPages;
import io.blockseal.volume.table.DekAllocator;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only writer of a volume's metadata. Callers leave what they want from any thread; one keeper at a time takes all
 * that has gathered and commits it together.
 *
 * <p>Fail-stop: after a failure that leaves the disk in doubt, nothing is committed any more; ranges that have their DEK
 * go on as before. Then {@link MetadataRecovery} is tried, at growing intervals, until disk and memory agree again.
 */
public final class MetadataCommitter {
    /** Whether commits go on. */
    public enum State {
        /** Commits are made. */
        RUNNING,
        /** A commit failed in doubt: every further one is refused with EIO until recovery succeeds. */
        FAILED,
        /** No more are taken. */
        CLOSED
    }

    /** Work that wants the metadata for itself: key slots, growth. */
    public interface Task {
        void run() throws StoreException, CommitFailedException, VolumeRefusedException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(MetadataCommitter.class);

    private final String volumeName;
    private final MetadataState metadata;
    private final DekAllocator allocator;
    private final RollbackAnchors anchors;
    private final MetadataRecovery recovery;
    private final InstantSource clock;
    private final KeeperQueue queue;
    private final CommitStanding standing;
    private final CountWriter counts;
    private final RecoverySchedule schedule;
    private final AtomicLong recoveries = new AtomicLong();

    /** Slots that nobody needs any more; the keeper's own. */
    private final List<Long> unreleased = new ArrayList<>();

    private volatile boolean locked;
    /** The last commit that this host remembers, or that was found; the keeper's own. */
    private long anchoredSeq;

    /** {@code keeper} runs one thing at a time; nothing is written before something is asked for. */
    public MetadataCommitter(
            VolumeStores stores,
            MetadataState metadata,
            DekAllocator allocator,
            RollbackAnchors anchors,
            Executor keeper,
            InstantSource clock,
            RetryTimer timer) {
        this.volumeName = stores.logName();
        this.metadata = metadata;
        this.allocator = allocator;
        this.anchors = anchors;
        this.anchoredSeq = metadata.root().commitSeq();
        this.recovery = new MetadataRecovery(stores, metadata, allocator);
        this.clock = clock;
        this.queue = new KeeperQueue(keeper, new KeeperWork());
        this.standing = new CommitStanding(volumeName);
        this.counts =
                new CountWriter(volumeName, new CountedPages(metadata.table(), metadata.keys()), new CountCommits());
        metadata.table().enciphered().wakes(this::writeCountsSoon);
        this.schedule = new RecoverySchedule(timer, this::recoveryIsDue);
        retryLaterIfNeeded();
    }

    /** How often the metadata was made whole again since the volume was opened. From any thread. */
    public long recoveries() {
        return recoveries.get();
    }

    /** How the mirror is. From any thread. */
    public MetadataCopies.Mirror mirror() {
        return metadata.store().mirror();
    }

    /** Whether commits go on. From any thread. */
    public State state() {
        return standing.state();
    }

    /** Queues a range; {@code whenDone} runs on {@code loop}. From any thread, never blocks. */
    public void allocate(long range, Executor loop, Consumer<Errno> whenDone) {
        Wanted request = new Wanted(range, loop, whenDone);
        if (!standing.isRunning() || !queue.add(request)) {
            request.answer(standing.whyNot());
        }
    }

    /** Runs {@code task} on the keeper, alone, and waits for it. Not on a loop. */
    public void runAlone(Task task) throws StoreException, VolumeRefusedException {
        CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
        requireUnlocked();
        if (!standing.isRunning() || !queue.add(() -> runTask(task, done))) {
            throw standing.notWritable();
        }
        await(done);
    }

    /**
     * Has {@code look} run on the keeper between two commits, also while the volume is locked or after a commit that
     * failed, and waits for it: what is in memory is then as of one commit. It changes nothing. Not on a loop.
     */
    public void lookAlone(Task look) throws StoreException, VolumeRefusedException {
        runBetweenCommits(look);
    }

    private void runBetweenCommits(Task task) throws StoreException, VolumeRefusedException {
        CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
        boolean added = queue.add(() -> {
            try {
                task.run();
                done.complete(null);
            } catch (Exception | Error e) { // It is the affair of whoever asked, and not of the metadata.
                done.completeExceptionally(e);
            }
        });
        if (!added) {
            throw standing.notWritable();
        }
        await(done);
    }

    /**
     * Has {@code wipe} take the volume's keys away, on the keeper, before all that waits and even after a commit that
     * failed; the volume is locked from then on. What was enciphered is written down before. While it is locked nothing is
     * committed, and the keeper does not look at the metadata.
     */
    public void takeKeysAway(Runnable wipe) throws VolumeRefusedException {
        changeKeys(true, () -> {
            if (!locked) {
                writeCounts(counts::writeBehind);
            }
            wipe.run();
        });
    }

    /** Has {@code replace} bring the keys back, likewise; the volume is not locked any more. */
    public void bringKeysBack(Runnable replace) throws VolumeRefusedException {
        changeKeys(false, replace);
    }

    private void changeKeys(boolean lock, Runnable change) throws VolumeRefusedException {
        CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
        boolean added = queue.addFirst(() -> {
            try {
                change.run();
                locked = lock;
                done.complete(null);
            } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        if (!added) {
            throw standing.notWritable();
        }
        done.join();
    }

    /** Refuses while the keys are taken away. From any thread. */
    public void requireUnlocked() throws VolumeRefusedException {
        if (locked) {
            throw new VolumeRefusedException(
                    VolumeRefusedException.Reason.NOT_WRITABLE, volumeName + ": is locked; unlock it first");
        }
    }

    /** Whether the keys are taken away. From any thread. */
    public boolean isLocked() {
        return locked;
    }

    /** Commits a changed root from within a {@link Task}. */
    public void commitRoot(RootBlock next) throws CommitFailedException {
        commit(next, metadata.area(), List.of());
    }

    /** Commits a changed root and pages from within a {@link Task}; the second copies are durable with the next commit. */
    public void commitPages(RootBlock next, Collection<TablePage> pages) throws CommitFailedException {
        commit(next, metadata.area(), pages);
    }

    /**
     * Writes other key slots over the copy of the area that is not in force, durably, from within a {@link Task}; they
     * count once {@link #commitKeySlots} has made them. If it fails, that copy is made again what it was, or the metadata
     * stops until it is: between commits both are equal, and a single bad block loses neither.
     */
    public void writeKeySlots(KeySlotArea area) throws StoreException {
        int target = 1 - metadata.root().keySlotArea();
        try {
            metadata.store().writeKeySlotsEverywhere(target, area.image());
            metadata.store().flush();
        } catch (StoreException e) {
            putBackKeySlots(target);
            throw e;
        }
    }

    private void putBackKeySlots(int target) {
        try {
            metadata.store().writeKeySlotsEverywhere(target, metadata.area().image());
            metadata.store().flush();
        } catch (StoreException e) {
            standing.stop("a copy of the key slots could not be put back", e);
        }
    }

    /** The last step of a {@link Task} that destroys a secret: overwrites what held it. */
    private interface Scrub {
        void run() throws StoreException;
    }

    /**
     * Commits a root that names other key slots, which are on disk already, from within a {@link Task}, and overwrites
     * the area that was in force.
     *
     * @param stands called once the commit stands, whatever comes of the rest
     * @throws StoreException if the commit stands and the old area may be left
     */
    public void commitKeySlots(RootBlock next, KeySlotArea area, Runnable stands)
            throws StoreException, CommitFailedException {
        commit(next, area, List.of());
        stands.run();
        scrub(() -> metadata.store().writeKeySlotsEverywhere(1 - next.keySlotArea(), area.image()));
    }

    /**
     * Commits a changed root and pages from within a {@link Task} that destroys a secret: when it returns, no copy of
     * what the pages held before is left in the metadata.
     *
     * @param stands called once the commit stands, whatever comes of the rest
     * @throws StoreException if the commit stands and old copies may be left; opening the volume anew overwrites them
     */
    public void commitAndScrub(RootBlock next, Collection<TablePage> pages, Runnable stands)
            throws StoreException, CommitFailedException {
        commit(next, metadata.area(), pages);
        stands.run();
        // The commit has overwritten the second copies.
        scrub(() -> {});
    }

    private void scrub(Scrub overwrite) throws StoreException {
        try {
            if (standing.isUnhurt()) {
                overwrite.run();
                metadata.store().flush();
                // Our flush may have succeeded because somebody else's met the error; the recovery writes all again.
                recoverIfLost();
            }
            if (standing.isUnhurt() && !metadata.store().hasLost()) {
                return;
            }
        } catch (StoreException e) {
            standing.stop("old copies could not be overwritten", e);
        }
        throw new StoreException(
                Errno.EIO,
                volumeName + ": done, but old copies of the metadata could not be overwritten; they will be when the"
                        + " storage is well again");
    }

    /**
     * Gives slots back as soon as all copies of the metadata are known to be equal: until then one that is read after a
     * power cut may still name them. From any thread.
     */
    public void releaseWhenWhole(Collection<Long> slots) {
        boolean taken = queue.addFirst(() -> {
            unreleased.addAll(slots);
            releaseIfWhole();
        });
        if (!taken) {
            LOG.debug("volume={}: closed; its slots are counted anew when it is opened", volumeName);
        }
    }

    private void releaseIfWhole() {
        if (standing.isRunning() && !metadata.store().hasLost()) {
            unreleased.forEach(allocator::release);
            unreleased.clear();
        }
    }

    /** Gives the slot of a range back, from within a {@link Task}. */
    public void release(long slot) {
        allocator.release(slot);
    }

    /** Takes a slot for a range that is to be copied there, from within a {@link Task}; -1 if none is free. */
    public long takeSpareSlot() {
        return allocator.takeSpare();
    }

    /** Takes that slot if it is free, from within a {@link Task}. */
    public boolean takeSlot(long slot) {
        return allocator.take(slot);
    }

    /** How many slots are free. From any thread. */
    public int freeSlots() {
        return allocator.freeSlots();
    }

    /** Whether a commit may have happened or not, and nobody has found out, nor ever will before the volume is reopened. */
    public boolean isInDoubt() {
        return metadata.attempt() != null;
    }

    /**
     * Comes down once no commit is in doubt: at once if none is, else when recovery has found out which of the two it is,
     * or when no more commits are taken. From any thread.
     */
    public CountDownLatch settled() {
        return standing.settled();
    }

    /**
     * Ends the queue: what is being written is finished, what waits is answered with ESHUTDOWN. Then, if all is well, what
     * was enciphered is written down.
     */
    public void close() {
        standing.close();
        queue.close().forEach(request -> request.answer(Errno.ESHUTDOWN));
        // From here on there is no keeper, and this thread may do as one.
        if (!locked && isStillThere()) {
            writeCounts(counts::writeBehind);
        }
        metadata.wipeAttempt();
    }

    /** A volume that was erased under our hands must not come back for the sake of a count. */
    private boolean isStillThere() {
        try {
            return metadata.isOnStore();
        } catch (StoreException e) {
            LOG.debug("volume={}: what was enciphered is not written down: {}", volumeName, e.getMessage());
            return false;
        }
    }

    /** From the data path: counts have grown by so much that a crash must not forget it. */
    private void writeCountsSoon() {
        if (!queue.add(this::writeGrownCounts)) {
            LOG.debug("volume={}: being closed; its counts are written then", volumeName);
        }
    }

    private void writeGrownCounts() {
        metadata.table().enciphered().beginWriting();
        if (standing.isRunning() && !locked) {
            recoverIfLost();
            writeCounts(counts::writeGrown);
        }
    }

    private void writeCounts(Runnable write) {
        try {
            write.run();
        } finally {
            metadata.wipeDropped();
        }
    }

    private final class CountCommits implements CountWriter.Commits {
        @Override
        public boolean mayFollow() {
            return standing.isUnhurt() && !metadata.store().hasLost();
        }

        @Override
        public void commit(List<TablePage> pages) throws CommitFailedException {
            MetadataCommitter.this.commit(metadata.root().copy(), metadata.area(), pages);
        }

        @Override
        public void done() {
            anchor();
        }

        @Override
        public void defect(Throwable reason) {
            standing.stopForGood(reason);
        }
    }

    /** What the keeper does between the tasks that it is given. */
    private final class KeeperWork implements KeeperQueue.Work {
        @Override
        public void beforeNext() {
            retryLaterIfNeeded();
        }

        @Override
        public void serve(List<Wanted> batch) {
            MetadataCommitter.this.serve(batch);
            anchorOrStop();
        }

        @Override
        public void defect(Throwable reason) {
            standing.stopForGood(reason);
        }
    }

    private void anchorOrStop() {
        try {
            anchor();
        } catch (RuntimeException | Error e) {
            standing.stopForGood(e);
        }
    }

    /**
     * Remembers the last commit, once it is durable in every copy: an anchor ahead of a copy would, when the other one
     * is damaged, call a loss of the storage a rollback. Whoever waited for the commit has its answer already.
     */
    private void anchor() {
        RootBlock root = metadata.root();
        // Not isFailed: while it is being closed, a second copy that could not be written makes it that no more.
        if (!anchors.remembers() || root.commitSeq() == anchoredSeq || !standing.isUnhurt()) {
            return;
        }
        try {
            metadata.store().flush();
        } catch (StoreException e) {
            standing.stop("the second copies could not be made durable", e);
            return;
        }
        if (!metadata.store().hasLost() && anchors.remember(volumeName, root)) {
            anchoredSeq = root.commitSeq();
        }
    }

    /** On the timer's thread. */
    private void recoveryIsDue() {
        if (!queue.addFirst(this::recover)) {
            schedule.begun();
        }
    }

    /** On the keeper, whose doing alone changes what this looks at. */
    private void retryLaterIfNeeded() {
        boolean needed = standing.isFailed() || (standing.isRunning() && mirror() == MetadataCopies.Mirror.DOWN);
        if (needed && !standing.isDefective() && !locked) {
            schedule.want();
        }
    }

    /** What the timer asked for: the disk may have come back, or the mirror. */
    private void recover() {
        schedule.begun();
        if (standing.state() == State.CLOSED || locked) {
            return;
        }
        boolean mirrorOnly = standing.isRunning() && !metadata.store().hasLost();
        if (mirrorOnly && !metadata.store().mirrorAnswers()) {
            return;
        }
        recoverNow();
        anchorOrStop();
    }

    /** Before anything is built on the metadata: if somebody's flush failed, what the disk has must be looked at. */
    private void recoverIfLost() {
        if (standing.isRunning() && metadata.store().hasLost()) {
            LOG.warn("volume={}: a flush of the storage failed; the metadata is compared with the disk", volumeName);
            recoverNow();
        }
    }

    /**
     * Makes every copy on the disk what is in memory, now, as after a failure. Waits for it; not on a loop.
     *
     * @throws VolumeRefusedException if the disk cannot be made so; the log says why
     */
    public void mend() throws StoreException, VolumeRefusedException {
        runBetweenCommits(() -> {
            requireUnlocked();
            if (!standing.isDefective()) {
                recoverNow();
                anchorOrStop();
            }
            if (!standing.isRunning()) {
                throw standing.notWritable();
            }
        });
    }

    private void recoverNow() {
        try {
            boolean happened = recovery.recover();
            recoveries.incrementAndGet();
            boolean mirrorIsDown = mirror() == MetadataCopies.Mirror.DOWN;
            standing.recovered();
            releaseIfWhole();
            if (!mirrorIsDown) {
                schedule.startOver();
            }
            LOG.info(
                    "volume={} commit={}: the metadata on disk is whole again{}; new ranges get their keys",
                    volumeName,
                    metadata.root().commitSeq(),
                    happened ? ", and the commit that seemed to fail had happened" : "");
        } catch (StoreException | StrangeMetadataException e) {
            standing.notRecovered(e);
        } catch (RuntimeException | Error e) {
            standing.stopForGood(e);
        }
    }

    private void serve(List<Wanted> batch) {
        if (locked) {
            // Every range is held: the requests look at theirs again, and wait there.
            batch.forEach(request -> request.answer(Errno.OK));
            return;
        }
        recoverIfLost();
        Errno failed = Errno.EIO;
        List<Errno> answers = new ArrayList<>();
        DekAllocator.Draft draft = allocator.newDraft(metadata.root().commitSeq() + 1);
        try {
            for (Wanted request : batch) {
                answers.add(standing.isRunning() ? allocator.prepare(draft, request.range()) : standing.whyNot());
            }
            if (!draft.pages().isEmpty()) {
                RootBlock next = metadata.root().copy();
                draft.settle(next);
                commit(next, metadata.area(), draft.pages());
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
            standing.stopForGood(e);
        } finally {
            if (failed != Errno.OK) {
                draft.abandon();
            }
            metadata.wipeDropped();
        }
        for (int i = 0; i < batch.size(); i++) {
            Errno answer = i < answers.size() ? answers.get(i) : Errno.EIO;
            // A range that was ACTIVE before needs nothing of this commit.
            boolean touched =
                    i >= answers.size() || !allocator.isActive(batch.get(i).range());
            batch.get(i).answer(answer == Errno.OK && touched ? failed : answer);
        }
    }

    private void commit(RootBlock next, KeySlotArea area, Collection<TablePage> pages) throws CommitFailedException {
        try {
            metadata.commit(next, area, pages, clock.instant().getEpochSecond());
        } catch (CommitFailedException e) {
            if (e.failure() == MetadataState.Failure.UNKNOWN) {
                standing.stop("a commit failed half-way", e.reason());
            } else {
                LOG.warn("volume={}: commit undone: {}", volumeName, e.getMessage());
            }
            throw e;
        }
        try {
            metadata.writeSecondCopies(pages);
        } catch (StoreException e) {
            // The commit stands. But a second copy is missing, and a store that fails writes deserves no further ones.
            standing.stop("the second copy could not be written", e);
        }
    }

    private void runTask(Task task, CompletableFuture<@Nullable Void> done) {
        try {
            runInOrder(task);
            done.complete(null);
        } catch (RuntimeException | Error e) {
            standing.stopForGood(e);
            done.completeExceptionally(e);
        } catch (Exception e) {
            done.completeExceptionally(e);
        }
    }

    private void runInOrder(Task task) throws StoreException, CommitFailedException, VolumeRefusedException {
        requireUnlocked();
        recoverIfLost();
        if (!standing.isRunning()) {
            throw standing.notWritable();
        }
        try {
            task.run();
            // Before the answer: who was told that a key is removed must not find it back by an older copy.
            anchor();
        } finally {
            // Likewise, of copies of pages that came to nothing.
            metadata.wipeDropped();
        }
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
