package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
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
}
