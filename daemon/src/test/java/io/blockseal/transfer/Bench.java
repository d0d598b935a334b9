package io.blockseal.transfer;

import io.blockseal.block.ThreadLoop;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.store.MemoryStore;
import java.nio.file.Path;
import java.util.Random;

/** Two disks in memory and what a test does with them. */
final class Bench implements AutoCloseable {
    static final int MIB = 1 << 20;

    final ThreadLoop loop = new ThreadLoop(0);
    final MemoryStore source;
    final MemoryStore target;
    final CheckpointFile file;
    TransferOptions options = TransferOptions.DEFAULT.withCheckpointMillis(1);
    JobControl control = JobControl.ALONE;
    Fingerprint sourcePrint = Fingerprint.empty().with("inode", "1");
    Fingerprint targetPrint = Fingerprint.empty().with("volume", "t");

    Bench(Path directory, long sourceBytes, long targetBytes) {
        source = new MemoryStore("the source", sourceBytes);
        target = new MemoryStore("the target", targetBytes);
        file = CheckpointFile.of(directory, "the target");
    }

    /** Fills it with runs of data, zeros that are stored, and holes, as the seed decides. */
    static void fill(MemoryStore store, long seed) {
        Random random = new Random(seed);
        long at = 0;
        while (at < store.sizeBytes()) {
            int length = 1 + random.nextInt(random.nextBoolean() ? 10_000 : 700_000);
            length = (int) Math.min(length, store.sizeBytes() - at);
            int what = random.nextInt(3);
            if (what > 0) {
                byte[] bytes = new byte[length];
                if (what > 1) {
                    random.nextBytes(bytes);
                }
                store.poke(at, bytes);
            }
            at += length;
        }
    }

    Side from() {
        return Side.disk("the source", source, () -> sourcePrint);
    }

    Side to() {
        return Side.disk("the target", target, () -> targetPrint).withLosses(target::lossCount);
    }

    TransferReport run() throws TransferException, JobCanceledException {
        return run(from(), to());
    }

    TransferReport run(Side from, Side to) throws TransferException, JobCanceledException {
        return Transfer.run(loop, from, to, file, options, control);
    }

    /** A control that cancels as soon as so much is done. */
    static JobControl cancelAt(long offset) {
        return new JobControl() {
            private boolean reached;

            @Override
            public void checkpoint() throws JobCanceledException {
                if (reached) {
                    throw new JobCanceledException("cancelled by the test");
                }
            }

            @Override
            public void phase(String words) {
                // Only how far it is matters.
            }

            @Override
            public void progress(long done, long total) {
                reached |= done >= offset;
            }
        };
    }

    @Override
    public void close() {
        loop.close();
    }
}
