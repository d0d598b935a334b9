package io.blockseal.volume.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.StoreException;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.table.RangeWord;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Many ask, one writes. */
class MetadataCommitterTest {
    private final VolumeFixture fixture = new VolumeFixture();

    private Volume open(MemoryStore store, Executor keeper) throws Exception {
        return new VolumeOpener(fixture.engine(), HostMemory.none(), keeper, () -> Instant.ofEpochSecond(1))
                .open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT);
    }

    @Test
    void commitsAllThatHasGatheredAtOnce() throws Exception {
        MemoryStore store = fixture.create(31 * 20);
        ArrayDeque<Runnable> keeper = new ArrayDeque<>();
        List<Errno> answers = new ArrayList<>();
        try (Volume volume = open(store, keeper::add)) {
            long before = volume.commitSeq();
            store.startRecording();
            for (int page = 0; page < 20; page++) {
                volume.allocate(page * 31L, Runnable::run, answers::add);
            }
            assertEquals(List.of(), answers, "nobody waited");
            assertEquals(1, keeper.size(), "one keeper was called");
            keeper.remove().run();
            assertEquals(Collections.nCopies(20, Errno.OK), answers);
            assertEquals(before + 1, volume.commitSeq());
            assertEquals(
                    2,
                    store.operations().stream()
                            .filter(operation -> operation.kind() == Kind.FLUSH)
                            .count());
        }
    }

    @Test
    void answersEveryCallerOnceHoweverManyAskAtOnce() throws Exception {
        int ranges = 31 * 40;
        int threads = 4;
        MemoryStore store = fixture.create(ranges);
        ExecutorService keeper = Executors.newFixedThreadPool(2);
        ExecutorService callers = Executors.newFixedThreadPool(threads);
        ExecutorService loop = Executors.newSingleThreadExecutor();
        CountDownLatch answered = new CountDownLatch(ranges * threads);
        List<Errno> bad = Collections.synchronizedList(new ArrayList<>());
        try (Volume volume = open(store, keeper)) {
            for (int caller = 0; caller < threads; caller++) {
                int step = List.of(1, 7, 11, 1237).get(caller);
                callers.execute(() -> {
                    for (int i = 0; i < ranges; i++) {
                        long range = (long) i * step % ranges;
                        volume.allocate(range, loop, errno -> {
                            if (errno != Errno.OK || RangeWord.state(volume.word(range)) != RangeWord.ACTIVE) {
                                bad.add(errno);
                            }
                            answered.countDown();
                        });
                    }
                });
            }
            assertTrue(answered.await(2, TimeUnit.MINUTES), "answers are missing: " + answered.getCount());
            assertEquals(List.of(), bad);
        } finally {
            callers.shutdownNow();
            keeper.shutdownNow();
            loop.shutdownNow();
        }
        assertEquals(
                ranges,
                VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), List.of(fixture.key(1)))
                        .activeRanges());
        assertEquals(
                List.of(),
                VolumeChecker.check(fixture.engine(), VolumeStores.inBand(store), List.of(fixture.key(1)))
                        .findings());
    }

    @Test
    void turnsAwayWhoComesAfterTheEnd() throws Exception {
        MemoryStore store = fixture.create(4);
        List<Errno> answers = new ArrayList<>();
        Volume volume = open(store, Runnable::run);
        volume.close();
        volume.allocate(0, Runnable::run, answers::add);
        assertEquals(List.of(Errno.ESHUTDOWN), answers);
        assertEquals(Volume.State.CLOSED, volume.state());
    }

    @Test
    void survivesAKeeperPoolThatIsGone() throws Exception {
        MemoryStore store = fixture.create(4);
        ExecutorService keeper = Executors.newSingleThreadExecutor();
        List<Errno> answers = new ArrayList<>();
        try (Volume volume = open(store, keeper)) {
            keeper.shutdownNow();
            volume.allocate(0, Runnable::run, answers::add);
            assertEquals(List.of(Errno.ESHUTDOWN), answers);
        }
    }

    /** What is not released is missing until the volume is opened anew; what hangs, hangs for ever. */
    @Test
    void aDefectWhileSlotsAreGivenBackStopsItAndHoldsNobodyUp() throws Exception {
        MemoryStore store = fixture.create(4);
        Volume volume = open(store, Runnable::run);
        volume.committer().releaseWhenWhole(List.of(-7L));
        assertEquals(Volume.State.METADATA_FAILED, volume.state());
        List<Errno> answers = new ArrayList<>();
        volume.allocate(0, Runnable::run, answers::add);
        assertEquals(List.of(Errno.EIO), answers);
        volume.close();
        assertTrue(store.isClosed());
    }

    /** Who destroys a secret is told that a copy may be left, also when the volume is closed in the midst of it. */
    @Test
    void aSecondCopyThatFailsWhileItIsBeingClosedIsTold() throws Exception {
        MemoryStore store = fixture.create(4);
        ExecutorService keeper = Executors.newSingleThreadExecutor();
        Volume volume = open(store, keeper);
        Thread closer = new Thread(volume::close, "closer");
        int[] roots = {0};
        try {
            StoreException told =
                    assertThrows(StoreException.class, () -> volume.committer().runAlone(() -> {
                        closer.start();
                        while (volume.state() != Volume.State.CLOSED) {
                            Thread.onSpinWait();
                        }
                        // The first is the commit.
                        store.failWhen(operation -> isRoot(operation) && ++roots[0] == 2, Errno.EIO);
                        volume.committer().commitAndScrub(volume.root().copy(), List.of(), () -> {});
                    }));
            assertTrue(
                    told.getMessage().contains("old copies of the metadata could not be overwritten"),
                    told::getMessage);
        } finally {
            closer.join();
            keeper.shutdownNow();
        }
        assertTrue(store.isClosed());
    }

    private static boolean isRoot(MemoryStore.Operation operation) {
        return operation.kind() == Kind.WRITE
                && (operation.offset() == MetadataLayout.rootOffset(0)
                        || operation.offset() == MetadataLayout.rootOffset(1));
    }

    /** A DEK that is destroyed later would live on in a copy of its page that nobody knows of any more. */
    @Nested
    class APageThatWasTakenToBeChanged {
        private final MemoryStore store;
        private TablePage taken = TablePage.fresh(0, 1);

        APageThatWasTakenToBeChanged() throws Exception {
            store = fixture.create(4);
        }

        private Volume openInUse() throws Exception {
            Volume volume = open(store, Runnable::run);
            volume.allocate(0, Runnable::run, errno -> assertEquals(Errno.OK, errno));
            return volume;
        }

        private TablePage take(Volume volume) {
            taken = volume.keys()
                    .forChange(Objects.requireNonNull(volume.table().page(0)));
            assertFalse(isWiped(taken), "the range has a DEK");
            return taken;
        }

        private static boolean isWiped(TablePage page) {
            return page.wrappedDek(0).equals(ByteBuffer.allocate(TableEntry.WRAPPED_DEK_BYTES));
        }

        @Test
        void isWipedAfterADefectOfOurs() throws Exception {
            try (Volume volume = openInUse()) {
                CompletionException defect = assertThrows(
                        CompletionException.class, () -> volume.committer().runAlone(() -> {
                            take(volume);
                            throw new IllegalStateException("a defect");
                        }));
                assertEquals("a defect", defect.getCause().getMessage());
                assertTrue(isWiped(taken));
                assertFalse(isWiped(Objects.requireNonNull(volume.table().page(0))), "the one in force");
            }
        }

        @Test
        void isWipedWhenItIsNotCommitted() throws Exception {
            try (Volume volume = openInUse()) {
                assertThrows(StoreException.class, () -> volume.committer().runAlone(() -> {
                    take(volume);
                    throw new StoreException(Errno.EIO, "no");
                }));
                assertTrue(isWiped(taken));
                volume.committer().runAlone(() -> take(volume));
                assertTrue(isWiped(taken));
            }
        }

        @Test
        void staysWhenItIsInForce() throws Exception {
            try (Volume volume = openInUse()) {
                TablePage before = Objects.requireNonNull(volume.table().page(0));
                volume.committer().runAlone(() -> volume.committer()
                        .commitPages(volume.root().copy(), List.of(take(volume))));
                assertSame(taken, volume.table().page(0));
                assertFalse(isWiped(taken));
                assertTrue(isWiped(before));
            }
        }

        /** It may be the one in force on the disk: so it is kept until somebody has found out, or nobody ever will. */
        @Test
        void staysAsLongAsItsCommitIsInDoubt() throws Exception {
            Volume volume = openInUse();
            store.failWhen(operation -> operation.kind() == Kind.FLUSH, Errno.EIO);
            assertThrows(StoreException.class, () -> volume.committer()
                    .runAlone(() -> volume.committer().commitPages(volume.root().copy(), List.of(take(volume)))));
            assertTrue(volume.committer().isInDoubt());
            assertFalse(isWiped(taken));
            store.failWhen(null, Errno.EIO);
            volume.close();
            assertTrue(isWiped(taken));
        }
    }
}
