package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The system tells of lost data once; whoever relies on it must be told each time. */
class DurabilityTest {
    private static final int EIO = -5;
    private static final int ENOSPC = -28;
    private static final boolean CACHED = true;

    private final Memory memory = new JvmMemorySource().map(4096);

    @Test
    void noSyncSucceedsAfterOneThatFailed() {
        TellingOnce file = new TellingOnce();
        Durability durability = new Durability(file, "f");
        assertEquals(0, durability.sync());
        file.error = EIO;
        assertEquals(EIO, durability.sync(), "a guest's FLUSH is told");
        assertEquals(0, file.error, "and the system has forgotten it");
        assertEquals(EIO, durability.sync(), "a commit that follows must not believe the next answer");
    }

    @Test
    void aDurableWriteThatWasToldStopsTheOthersToo() {
        TellingOnce file = new TellingOnce();
        Durability durability = new Durability(file, "f");
        assertEquals(Errno.OK, write(file, durability, CACHED));
        file.error = EIO;
        assertEquals(Errno.EIO, write(file, durability, CACHED));
        assertEquals(EIO, durability.sync());
        assertEquals(Errno.EIO, write(file, durability, CACHED));
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
        assertEquals(EIO, durability.sync());
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
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
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
        while (second.getState() != Thread.State.WAITING || third.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        goOn.countDown();
        first.join();
        second.join();
        third.join();
        assertEquals(0, answers.get());
        assertEquals(2, file.syncs.get(), "the first covers none of those who came while it ran");
    }

    private Errno write(SystemFile file, Durability durability, boolean cached) {
        Zeroing zeroing = Zeroing.probe(file, new FileFacts(FileFacts.Kind.REGULAR, 0, 0, 4096, false), true, memory);
        BlockRequest request =
                new BlockRequest().set(Command.WRITE, BlockRequest.FUA, 0, 4096).withMemory(memory, 0);
        return new FileCall(file, zeroing, durability, cached).perform(request);
    }

    /** A file whose {@link #error} is told once, by sync or durable write. */
    private static class TellingOnce implements SystemFile {
        final AtomicInteger syncs = new AtomicInteger();
        int error;
        int writeError;

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
            return told == 0 ? length : told;
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
            return new FileFacts(FileFacts.Kind.REGULAR, 0, 0, 4096, false);
        }

        @Override
        public void close() {}
    }
}
