package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The system tells of lost data once and one caller; everybody whose data it was must hear of it. */
class DurabilityTest {
    private static final int EIO = -5;
    private static final int ENOSPC = -28;
    private static final boolean CACHED = true;

    private final Memory memory = new JvmMemorySource().map(4096);

    @Test
    void aFailedSyncIsToldAndCountedAndTheNextIsBelievedAgain() {
        TellingOnce file = new TellingOnce();
        Durability durability = new Durability(file, "f");
        assertEquals(0, durability.sync());
        assertEquals(0, durability.losses());
        file.error = EIO;
        assertEquals(EIO, durability.sync());
        assertEquals(1, durability.losses());
        assertTrue(durability.failing());
        assertEquals(0, durability.sync(), "what is written after the loss is kept again");
        assertEquals(1, durability.losses(), "but the loss is never forgotten");
        assertFalse(durability.failing());
    }

    /** A guest's FLUSH may be told of a table page's loss: the commit that wrote the page must not believe the next. */
    @Test
    void whoWroteBeforeALossIsToldOfItByHisOwnSync() {
        TellingOnce file = new TellingOnce();
        Durability durability = new Durability(file, "f");
        long beforeTheWrite = durability.losses();
        file.error = ENOSPC;
        assertEquals(ENOSPC, durability.sync(), "somebody else's");
        assertEquals(ENOSPC, durability.sync(beforeTheWrite));
        assertEquals(0, durability.sync(durability.losses()));
    }

    /** With O_DIRECT the error may be of the disk's cache, in which others' writes were. */
    @Test
    void aDurableWriteThatFailsWithoutThePageCacheCountsAsALoss() {
        TellingOnce file = new TellingOnce();
        Durability durability = new Durability(file, "f");
        file.error = ENOSPC;
        assertEquals(Errno.ENOSPC, write(file, durability, !CACHED));
        assertEquals(0, durability.losses(), "no room is no loss");
        file.error = EIO;
        assertEquals(Errno.EIO, write(file, durability, !CACHED));
        assertEquals(1, durability.losses());
    }

    /** Between the write and the sync of one FUA request another's sync meets the error. */
    @Test
    void aDurableWriteIsNotConfirmedWhenALossCameBetweenItsWriteAndItsSync() {
        for (Command command : new Command[] {Command.WRITE, Command.WRITE_ZEROES}) {
            TellingOnce file = new TellingOnce();
            Durability durability = new Durability(file, "f");
            file.afterWrite = () -> {
                file.error = EIO;
                assertEquals(EIO, durability.sync());
            };
            assertEquals(Errno.EIO, perform(command, file, durability, CACHED), command.toString());
            file.afterWrite = () -> {};
            assertEquals(Errno.OK, perform(command, file, durability, CACHED), command.toString());
        }
    }

    @Test
    void readersSeeTheDisksTruthAfterALoss() {
        TellingOnce file = new TellingOnce();
        Durability durability = new Durability(file, "f");
        durability.sync();
        assertEquals(0, file.drops.get(), "a sync that goes well leaves the cache alone");
        file.error = EIO;
        durability.sync();
        assertEquals(1, file.drops.get(), "who reads after being told must not see what is not there");
        durability.sync();
        assertEquals(2, file.drops.get(), "and what could not be dropped while it was dirty goes now");
        durability.sync();
        assertEquals(2, file.drops.get());
    }

    /** It ends well, and what the loss took was written before it. */
    @Test
    void aLossThatIsCountedWhileASyncIsUnderWayFailsThatSyncWithItsOwnError() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        boolean[] holds = {false};
        TellingOnce file = new TellingOnce() {
            @Override
            public int sync() {
                if (holds[0]) {
                    inside.countDown();
                    awaitQuietly(goOn);
                }
                return super.sync();
            }
        };
        Durability durability = new Durability(file, "f");
        file.error = ENOSPC;
        assertEquals(ENOSPC, durability.sync());
        assertEquals(0, durability.sync());
        holds[0] = true;
        int[] answers = new int[2];
        Thread flushing = new Thread(() -> answers[0] = durability.sync());
        Thread waiting = new Thread(() -> answers[1] = durability.sync());
        flushing.start();
        inside.await();
        waiting.start();
        awaitWaiting(waiting);
        durability.countLoss(EIO);
        goOn.countDown();
        flushing.join();
        waiting.join();
        assertArrayEquals(new int[] {EIO, EIO}, answers, "ENOSPC was another loss");
        assertEquals(2, durability.losses());
        durability.told();
        assertTrue(durability.failing());
        assertEquals(0, durability.sync());
        assertFalse(durability.failing());
    }

    @Test
    void whoeverWaitsForASyncThatFailsIsToldToo() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        TellingOnce file = new TellingOnce() {
            @Override
            public int sync() {
                inside.countDown();
                awaitQuietly(goOn);
                return super.sync();
            }
        };
        file.error = EIO;
        Durability durability = new Durability(file, "f");
        int[] answers = new int[3];
        Thread first = new Thread(() -> answers[0] = durability.sync());
        Thread second = new Thread(() -> answers[1] = durability.sync());
        Thread third = new Thread(() -> answers[2] = durability.sync());
        first.start();
        inside.await();
        second.start();
        third.start();
        awaitWaiting(second);
        awaitWaiting(third);
        goOn.countDown();
        first.join();
        second.join();
        third.join();
        assertArrayEquals(new int[] {EIO, EIO, EIO}, answers, "their pages may have been part of it");
        assertEquals(1, file.syncs.get());
        assertEquals(0, durability.sync(), "who comes afterwards has lost nothing");
    }

    /**
     * Many threads write, each a cell of its own, and sync; the file loses all that is dirty at random syncs and tells
     * of it once, as Linux does. Nobody may be told "durable" of a cell that was lost.
     */
    @Test
    void nobodyIsEverToldThatALostWriteIsDurable() throws Exception {
        long seed = Long.getLong("blockseal.test.seed", System.nanoTime());
        System.out.println("DurabilityTest seed " + seed);
        LosingFile file = new LosingFile(seed);
        Durability durability = new Durability(file, "f");
        Thread[] threads = new Thread[4];
        AtomicInteger believed = new AtomicInteger();
        AtomicInteger told = new AtomicInteger();
        AtomicInteger lies = new AtomicInteger();
        for (int t = 0; t < threads.length; t++) {
            int cell = t;
            threads[t] = new Thread(() -> {
                for (int version = 1; version <= 300; version++) {
                    long before = durability.losses();
                    file.put(cell, version);
                    int result = durability.sync(before);
                    if (result < 0) {
                        told.incrementAndGet();
                    } else {
                        believed.incrementAndGet();
                        if (file.durable(cell) < version) {
                            lies.incrementAndGet();
                        }
                    }
                }
            });
            threads[t].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(0, lies.get(), "seed " + seed);
        assertTrue(told.get() > 0 && believed.get() > 0, "told " + told + ", believed " + believed);
        assertEquals(file.losses, durability.losses());
    }

    @Test
    void aFullDiskAndAnErrorPastThePageCacheConcernTheRequestAlone() {
        TellingOnce file = new TellingOnce();
        Durability durability = new Durability(file, "f");
        file.writeError = ENOSPC;
        assertEquals(Errno.ENOSPC, write(file, durability, CACHED));
        file.error = EIO;
        assertEquals(Errno.EIO, write(file, durability, !CACHED));
        assertEquals(Errno.OK, write(file, durability, !CACHED));
        assertEquals(0, durability.sync());
    }

    /** As on a thin pool that runs out: the write was taken, and its pages are gone. */
    @Test
    void aDiskFoundFullOnlyByTheSyncHasLostWhatWasTaken() {
        TellingOnce file = new TellingOnce();
        Durability durability = new Durability(file, "f");
        file.error = ENOSPC;
        assertEquals(Errno.ENOSPC, write(file, durability, CACHED));
        assertEquals(1, durability.losses());
    }

    @Test
    void whoeverWaitsForASyncSharesTheNext() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger answers = new AtomicInteger();
        TellingOnce file = new TellingOnce() {
            @Override
            public int sync() {
                inside.countDown();
                awaitQuietly(goOn);
                return super.sync();
            }
        };
        Durability durability = new Durability(file, "f");
        Thread first = new Thread(() -> answers.addAndGet(durability.sync()));
        Thread second = new Thread(() -> answers.addAndGet(durability.sync()));
        Thread third = new Thread(() -> answers.addAndGet(durability.sync()));
        first.start();
        inside.await();
        second.start();
        third.start();
        awaitWaiting(second);
        awaitWaiting(third);
        goOn.countDown();
        first.join();
        second.join();
        third.join();
        assertEquals(0, answers.get());
        assertEquals(2, file.syncs.get(), "the first covers none of those who came while it ran");
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }

    private Errno write(SystemFile file, Durability durability, boolean cached) {
        return perform(Command.WRITE, file, durability, cached);
    }

    private Errno perform(Command command, SystemFile file, Durability durability, boolean cached) {
        Zeroing zeroing = Zeroing.probe(
                file, new FileFacts(FileFacts.Kind.REGULAR, 0, 0, 4096, FileFacts.Place.DISK), true, memory);
        BlockRequest request =
                new BlockRequest().set(command, BlockRequest.FUA, 0, 4096).withMemory(memory, 0);
        return new FileCall(file, zeroing, durability, StoreTroubles.of("f"), cached).perform(request);
    }

    /** A file whose {@link #error} is told once, by sync or durable write. */
    private static class TellingOnce implements SystemFile {
        final AtomicInteger syncs = new AtomicInteger();
        final AtomicInteger drops = new AtomicInteger();
        int error;
        int writeError;
        /** Made after each write. */
        Runnable afterWrite = () -> {};

        @Override
        public int sync() {
            syncs.incrementAndGet();
            return tell(0);
        }

        @Override
        public int writeDurably(Memory from, int memoryOffset, int length, long offset) {
            return tell(length);
        }

        private int tell(int otherwise) {
            int told = error;
            error = 0;
            return told == 0 ? otherwise : told;
        }

        @Override
        public boolean fast() {
            return true;
        }

        @Override
        public int read(Memory into, int memoryOffset, int length, long offset) {
            return length;
        }

        @Override
        public int readCached(Memory into, int memoryOffset, int length, long offset) {
            return length;
        }

        @Override
        public int write(Memory from, int memoryOffset, int length, long offset) {
            int told = writeError;
            writeError = 0;
            afterWrite.run();
            return told == 0 ? length : told;
        }

        @Override
        public void dropCache(long offset, long lengthBytes) {
            drops.incrementAndGet();
        }

        @Override
        public int punch(long offset, long lengthBytes) {
            return NOT_SUPPORTED;
        }

        @Override
        public int zeroOut(long offset, long lengthBytes) {
            return NOT_SUPPORTED;
        }

        @Override
        public long nextData(long offset) {
            return offset;
        }

        @Override
        public long nextHole(long offset) {
            return UNKNOWN;
        }

        @Override
        public int resize(long sizeBytes) {
            return 0;
        }

        @Override
        public FileFacts facts() {
            return new FileFacts(FileFacts.Kind.REGULAR, 0, 0, 4096, FileFacts.Place.DISK);
        }

        @Override
        public void close() {}
    }

    /** Cells that are dirty until a sync makes them durable or loses them all. */
    private static final class LosingFile extends TellingOnce {
        private final Random random;
        private final int[] dirty = new int[4];
        private final int[] durable = new int[4];
        int losses;

        LosingFile(long seed) {
            random = new Random(seed);
        }

        synchronized void put(int cell, int version) {
            dirty[cell] = version;
        }

        synchronized int durable(int cell) {
            return durable[cell];
        }

        @Override
        public synchronized int sync() {
            boolean lost = random.nextInt(8) == 0;
            for (int i = 0; i < dirty.length; i++) {
                durable[i] = lost ? durable[i] : Math.max(durable[i], dirty[i]);
                dirty[i] = 0;
            }
            losses += lost ? 1 : 0;
            return lost ? EIO : 0;
        }
    }
}
