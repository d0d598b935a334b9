package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.IoLoop;
import io.blockseal.block.PayloadWork;
import io.blockseal.block.RequestPool;
import io.blockseal.block.ThreadLoop;
import io.blockseal.memory.BufferArena;
import io.blockseal.memory.Memory;
import io.blockseal.store.StoreOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SideLaneTest {
    private static final int LENGTH = PayloadWork.BYTES_MIN;
    private static final long SEED = 20_261_125;

    @TempDir
    Path folder;

    private final LanePool pool = new LanePool("f");
    private final SpareLoop loop = new SpareLoop();

    @AfterEach
    void close() {
        assertTrue(pool.drain(Duration.ofSeconds(30)));
        assertEquals(0, loop.processors.get(), "every processor that was taken is given back");
        loop.base.close();
    }

    /** A test loop with what a side lane asks of it. */
    private static final class SpareLoop implements IoLoop {
        private final ThreadLoop base = new ThreadLoop(0);
        private final AtomicInteger processors = new AtomicInteger();
        private volatile boolean spare = true;
        private volatile long receipts;

        @Override
        public int index() {
            return base.index();
        }

        @Override
        public boolean inLoop() {
            return base.inLoop();
        }

        @Override
        public void execute(Runnable task) {
            base.execute(task);
        }

        @Override
        public BufferArena buffers() {
            return base.buffers();
        }

        @Override
        public RequestPool requests() {
            return base.requests();
        }

        @Override
        public boolean hasSpareProcessor() {
            return spare;
        }

        @Override
        public void usesProcessor(int change) {
            processors.addAndGet(change);
        }

        @Override
        public long receipts() {
            return receipts;
        }
    }

    private int handedOver(SideLane side, int calls, boolean workMeanwhile) throws Exception {
        AtomicInteger count = new AtomicInteger();
        for (int i = 0; i < calls; i++) {
            CountDownLatch back = new CountDownLatch(1);
            loop.execute(() -> {
                if (!side.pays()) {
                    back.countDown();
                    return;
                }
                count.incrementAndGet();
                side.execute(() -> loop.execute(() -> {
                    side.arrived();
                    back.countDown();
                }));
                if (workMeanwhile) {
                    loop.receipts++;
                }
            });
            assertTrue(back.await(30, TimeUnit.SECONDS));
        }
        return count.get();
    }

    @Test
    void isTriedNowAndThenWhileTheLoopHasNothingElseToDo() throws Exception {
        assertEquals(6, handedOver(new SideLane(loop, pool), 96, false));
    }

    @Test
    void isUsedWhileTheLoopHasOtherWorkAndNoLonger() throws Exception {
        SideLane side = new SideLane(loop, pool);
        assertEquals(96 - 15, handedOver(side, 96, true));
        int afterwards = handedOver(side, 96, false);
        assertTrue(afterwards >= 16 && afterwards <= 16 + 5, "handed over " + afterwards);
    }

    @Test
    void isNotUsedWithoutASpareProcessor() throws Exception {
        loop.spare = false;
        assertEquals(0, handedOver(new SideLane(loop, pool), 96, true));
    }

    @Test
    void makesCallsInTheirOrderAndRefusesWhatItHasNoRoomFor() throws Exception {
        SideLane side = new SideLane(loop, pool);
        CountDownLatch hold = new CountDownLatch(1);
        CountDownLatch all = new CountDownLatch(64);
        List<Integer> order = new ArrayList<>();
        boolean room = loop.base.call(() -> {
            for (int i = 0; i < 64; i++) {
                int number = i;
                assertTrue(i == 0 || side.pays(), "behind one that waits there is nothing to try");
                side.execute(() -> {
                    awaitQuietly(hold);
                    order.add(number);
                    loop.execute(() -> {
                        side.arrived();
                        all.countDown();
                    });
                });
            }
            return side.pays();
        });
        assertFalse(room);
        hold.countDown();
        assertTrue(all.await(30, TimeUnit.SECONDS));
        for (int i = 0; i < 64; i++) {
            assertEquals(i, order.get(i));
        }
    }

    /** Streams of large requests on many connections must not keep a FLUSH from a thread. */
    @Test
    void lanesThatAreNeverEmptyLeaveThreadsToOthersAndTakeTurnsWithThem() throws Exception {
        AtomicBoolean enough = new AtomicBoolean();
        CountDownLatch ended = new CountDownLatch(2);
        AtomicInteger refused = new AtomicInteger();
        loop.base.call(() -> {
            for (int i = 0; i < 4; i++) {
                SideLane side = new SideLane(loop, pool);
                if (!side.execute(new Streamer(side, enough, ended))
                        || !side.execute(new Streamer(side, enough, ended))) {
                    refused.incrementAndGet();
                }
            }
            return null;
        });
        assertEquals(2, refused.get(), "lanes that had to do without a thread");
        // More at once than the lanes leave, so that some need the lanes' own threads.
        CountDownLatch together = new CountDownLatch(4);
        for (int i = 0; i < 4; i++) {
            pool.execute(() -> {
                together.countDown();
                awaitQuietly(together);
            });
        }
        assertTrue(together.await(30, TimeUnit.SECONDS), "a flush must get a thread while lanes are busy");
        enough.set(true);
        assertTrue(ended.await(30, TimeUnit.SECONDS));
    }

    /** A call that is followed by another one for as long as the test needs it, so that its lane is never empty. */
    private final class Streamer implements Runnable {
        private final SideLane side;
        private final AtomicBoolean enough;
        private final CountDownLatch ended;

        Streamer(SideLane side, AtomicBoolean enough, CountDownLatch ended) {
            this.side = side;
            this.enough = enough;
            this.ended = ended;
        }

        @Override
        public void run() {
            CountDownLatch followed = new CountDownLatch(1);
            loop.execute(() -> {
                side.arrived();
                if (enough.get()) {
                    ended.countDown();
                } else {
                    side.execute(this);
                }
                followed.countDown();
            });
            awaitQuietly(followed);
        }
    }

    @Test
    void aStoreThatClosesMakesAllCallsThatItHasTaken() throws Exception {
        SideLane side = new SideLane(loop, pool);
        CountDownLatch hold = new CountDownLatch(1);
        AtomicInteger made = new AtomicInteger();
        loop.base.call(() -> {
            for (int i = 0; i < 64; i++) {
                side.execute(() -> {
                    awaitQuietly(hold);
                    made.incrementAndGet();
                });
            }
            return null;
        });
        assertFalse(pool.drain(Duration.ZERO), "it takes no more from now on, and has one that waits");
        hold.countDown();
        assertTrue(pool.drain(Duration.ofSeconds(30)));
        assertEquals(64, made.get());
    }

    @Test
    void theNextLaneGetsItsThreadWhenOneHasNothingMoreToDo() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        SideLane third = new SideLane(loop, pool);
        boolean taken = loop.base.call(() -> {
            assertTrue(new SideLane(loop, pool).execute(() -> awaitQuietly(hold)));
            assertTrue(new SideLane(loop, pool).execute(() -> awaitQuietly(hold)));
            return third.execute(() -> {});
        });
        assertFalse(taken);
        assertEquals(2, loop.processors.get(), "which are counted from when they are asked for");
        hold.countDown();
        CountDownLatch done = new CountDownLatch(1);
        while (!loop.base.call(() -> third.execute(done::countDown))) {
            Thread.onSpinWait();
        }
        assertTrue(done.await(30, TimeUnit.SECONDS));
    }

    /** A write that is made twice is enciphered twice, and answers whoever has its request by then. */
    @Test
    void aCallThatALeavingThreadTakesBeforeAnotherIsAskedForIsMadeOnce() throws Exception {
        CountDownLatch hold = new CountDownLatch(1);
        SideLane side = new SideLane(loop, pool);
        List<String> made = new ArrayList<>();
        boolean taken = loop.base.call(() -> {
            side.offer(() -> made.add("first"));
            loop.usesProcessor(1);
            assertTrue(pool.tryEnterSide());
            side.run(); // The thread that was about to leave, and saw the call.
            // By now other lanes have all the threads.
            assertTrue(new SideLane(loop, pool).execute(() -> awaitQuietly(hold)));
            assertTrue(new SideLane(loop, pool).execute(() -> awaitQuietly(hold)));
            boolean first = side.wake();
            side.arrived();
            return first;
        });
        assertTrue(taken, "it was made, so the caller must not make it");
        hold.countDown();
        CountDownLatch second = new CountDownLatch(1);
        while (!loop.base.call(() -> side.execute(() -> {
            made.add("second");
            second.countDown();
        }))) {
            Thread.onSpinWait();
        }
        assertTrue(second.await(30, TimeUnit.SECONDS), "the lane looks where the next call is put");
        assertEquals(List.of("first", "second"), made);
    }

    @Test
    void aCallThatBreaksDoesNotTakeTheOthersWithIt() throws Exception {
        SideLane side = new SideLane(loop, pool);
        CountDownLatch last = new CountDownLatch(1);
        loop.base.call(() -> {
            side.execute(() -> {
                Thread.currentThread().setUncaughtExceptionHandler((thread, cause) -> {});
                throw new AssertionError("a defect");
            });
            side.execute(last::countDown);
            return null;
        });
        assertTrue(last.await(30, TimeUnit.SECONDS));
    }

    @Test
    void storesWhatTheWorkMadeOfThePayloadAndReadsItBack() throws Exception {
        System.out.println("SideLaneTest seed " + SEED);
        int count = 48;
        Path path = Files.write(folder.resolve("f"), new byte[count * LENGTH]);
        byte[] plain = new byte[count * LENGTH];
        new Random(SEED).nextBytes(plain);
        SystemFile file = JdkFile.open(path, StoreOptions.BUFFERED);
        Memory zeros = ThreadLoop.memory().map(4096);
        FileCall call = new FileCall(
                file,
                Zeroing.probe(file, file.facts(), true, zeros),
                new Durability(file, "f"),
                StoreTroubles.of("f"),
                true);
        FileChannelOfLoop channel = new FileChannelOfLoop(loop, call, pool, Lanes.INLINE, null);
        assertTrue(channel.worksBeforeWriting());
        Memory memory = ThreadLoop.memory().map(count * LENGTH);
        memory.bytes().put(0, plain);
        AtomicInteger elsewhere = new AtomicInteger();
        transfer(channel, Command.WRITE, memory, count, request -> {
            elsewhere.addAndGet(loop.inLoop() ? 0 : 1);
            for (int i = 0; i < LENGTH; i++) {
                int at = request.memoryOffset() + i;
                memory.bytes().put(at, (byte) ~memory.bytes().get(at));
            }
            return Errno.OK;
        });
        assertNotEquals(0, elsewhere.get(), "some were handed over");
        byte[] stored = Files.readAllBytes(path);
        for (int i = 0; i < plain.length; i++) {
            assertEquals((byte) ~plain[i], stored[i], "byte " + i);
        }
        Memory back = ThreadLoop.memory().map(count * LENGTH);
        transfer(channel, Command.READ, back, count, null);
        byte[] read = new byte[stored.length];
        back.bytes().get(0, read);
        assertEquals(0, java.util.Arrays.compare(stored, read));
        file.close();
    }

    /**
     * The side lane's own thread finds that the page cache has not got it. It must not wait there for the disk, for others
     * are behind it.
     */
    @Test
    void aReadThatMissesTheCacheWaitsForTheDiskAloneAndGetsItsData() throws Exception {
        System.out.println("SideLaneTest seed " + SEED);
        int count = 48;
        int missed = 20;
        byte[] stored = new byte[count * LENGTH];
        new Random(SEED).nextBytes(stored);
        Path path = Files.write(folder.resolve("f"), stored);
        CachedBut file = new CachedBut(JdkFile.open(path, StoreOptions.BUFFERED), loop, missed * (long) LENGTH);
        FileCall call = new FileCall(file, zeroing(file), new Durability(file, "f"), StoreTroubles.of("f"), true);
        FileChannelOfLoop channel = new FileChannelOfLoop(loop, call, pool, Lanes.CACHED, null);
        Memory back = ThreadLoop.memory().map(count * LENGTH);
        CountDownLatch others = new CountDownLatch(count - 1);
        CountDownLatch last = new CountDownLatch(1);
        AtomicReference<Errno> failure = new AtomicReference<>(Errno.OK);
        loop.base.call(() -> {
            for (int i = 0; i < count; i++) {
                BlockRequest request = loop.requests()
                        .lease()
                        .set(Command.READ, 0, (long) i * LENGTH, LENGTH)
                        .withMemory(back, i * LENGTH);
                request.push(
                        (ended, token) -> {
                            failure.accumulateAndGet(ended.errno(), (one, other) -> one == Errno.OK ? other : one);
                            loop.requests().release(ended);
                            (token == missed ? last : others).countDown();
                        },
                        i);
                channel.submit(request);
            }
            return null;
        });
        assertTrue(others.await(30, TimeUnit.SECONDS), "they wait behind the one that waits for the disk");
        assertTrue(file.reading.await(30, TimeUnit.SECONDS));
        assertEquals(1, last.getCount());
        assertEquals(1, file.missedElsewhere.get(), "it was the side lane that missed it");
        file.disk.countDown();
        assertTrue(last.await(30, TimeUnit.SECONDS));
        assertSame(Errno.OK, failure.get());
        byte[] read = new byte[stored.length];
        back.bytes().get(0, read);
        assertEquals(-1, Arrays.mismatch(stored, read));
        file.close();
    }

    @Test
    void aReadThatMissesTheCacheAndFailsOnTheDiskIsAnError() throws Exception {
        int count = 48;
        Path path = Files.write(folder.resolve("f"), new byte[count * LENGTH]);
        CachedBut file = new CachedBut(JdkFile.open(path, StoreOptions.BUFFERED), loop, 20L * LENGTH);
        file.outcome = -5;
        file.disk.countDown();
        FileCall call = new FileCall(file, zeroing(file), new Durability(file, "f"), StoreTroubles.of("f"), true);
        FileChannelOfLoop channel = new FileChannelOfLoop(loop, call, pool, Lanes.CACHED, null);
        assertEquals(
                List.of(Errno.EIO),
                read(channel, ThreadLoop.memory().map(count * LENGTH), count).stream()
                        .filter(errno -> errno != Errno.OK)
                        .toList());
        file.close();
    }

    private List<Errno> read(FileChannelOfLoop channel, Memory into, int count) throws Exception {
        CountDownLatch all = new CountDownLatch(count);
        List<Errno> answers = new ArrayList<>();
        loop.base.call(() -> {
            for (int i = 0; i < count; i++) {
                BlockRequest request = loop.requests()
                        .lease()
                        .set(Command.READ, 0, (long) i * LENGTH, LENGTH)
                        .withMemory(into, i * LENGTH);
                request.push(
                        (ended, token) -> {
                            answers.add(ended.errno());
                            loop.requests().release(ended);
                            all.countDown();
                        },
                        0);
                channel.submit(request);
            }
            return null;
        });
        assertTrue(all.await(30, TimeUnit.SECONDS));
        return answers;
    }

    private static Zeroing zeroing(SystemFile file) {
        return Zeroing.probe(file, file.facts(), true, ThreadLoop.memory().map(4096));
    }

    /** A file of which the page cache has everything but what lies at one offset; for that the disk has to be let go on. */
    private static final class CachedBut extends ForwardingFile {
        private final SpareLoop loop;
        private final long missing;
        private final CountDownLatch disk = new CountDownLatch(1);
        private final CountDownLatch reading = new CountDownLatch(1);
        private final AtomicInteger missedElsewhere = new AtomicInteger();
        private volatile int outcome;

        CachedBut(SystemFile file, SpareLoop loop, long missing) {
            super(file);
            this.loop = loop;
            this.missing = missing;
        }

        @Override
        public boolean fast() {
            return true;
        }

        @Override
        public int read(Memory memory, int memoryOffset, int length, long offset) {
            assertFalse(loop.inLoop(), "a read that may wait");
            assertEquals(missing, offset, "only this is left to the disk");
            reading.countDown();
            awaitQuietly(disk);
            return outcome < 0 ? outcome : super.read(memory, memoryOffset, length, offset);
        }

        @Override
        public int readCached(Memory memory, int memoryOffset, int length, long offset) {
            if (offset == missing) {
                missedElsewhere.addAndGet(loop.inLoop() ? 0 : 1);
                return WOULD_BLOCK;
            }
            return super.read(memory, memoryOffset, length, offset);
        }
    }

    @Test
    void workThatFailsKeepsTheBytesOffTheFile() throws Exception {
        Path path = Files.write(folder.resolve("f"), new byte[LENGTH]);
        SystemFile file = JdkFile.open(path, StoreOptions.BUFFERED);
        Memory zeros = ThreadLoop.memory().map(4096);
        FileCall call = new FileCall(
                file,
                Zeroing.probe(file, file.facts(), true, zeros),
                new Durability(file, "f"),
                StoreTroubles.of("f"),
                true);
        Memory memory = ThreadLoop.memory().map(LENGTH);
        memory.bytes().put(0, new byte[] {1, 2, 3});
        BlockRequest request =
                new BlockRequest().set(Command.WRITE, 0, 0, LENGTH).withMemory(memory, 0);
        request.withWork(unused -> Errno.EIO);
        assertSame(Errno.EIO, call.perform(request));
        assertEquals(0, java.util.Arrays.compare(new byte[LENGTH], Files.readAllBytes(path)));
        file.close();
    }

    @Test
    void aWriteThatWasConfirmedWithoutItsWorkIsADefectThatIsTold() {
        BlockRequest request = new BlockRequest().set(Command.WRITE, 0, 0, LENGTH);
        request.push((ended, token) -> {}, 0);
        request.withWork(unused -> Errno.OK);
        assertThrows(IllegalStateException.class, () -> request.complete(Errno.OK));
    }

    private void transfer(FileChannelOfLoop channel, Command command, Memory memory, int count, PayloadWork work)
            throws Exception {
        CountDownLatch all = new CountDownLatch(count);
        AtomicReference<Errno> failure = new AtomicReference<>(Errno.OK);
        loop.base.call(() -> {
            for (int i = 0; i < count; i++) {
                BlockRequest request = loop.requests()
                        .lease()
                        .set(command, 0, (long) i * LENGTH, LENGTH)
                        .withMemory(memory, i * LENGTH);
                request.push(
                        (ended, token) -> {
                            if (ended.errno() != Errno.OK) {
                                failure.set(ended.errno());
                            }
                            loop.requests().release(ended);
                            all.countDown();
                        },
                        0);
                if (work != null) {
                    request.withWork(work);
                }
                channel.submit(request);
            }
            return null;
        });
        assertTrue(all.await(30, TimeUnit.SECONDS));
        assertSame(Errno.OK, failure.get());
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
