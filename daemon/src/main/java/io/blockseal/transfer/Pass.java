package io.blockseal.transfer;

import io.blockseal.block.Errno;
import io.blockseal.block.IoLoop;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One walk of a {@link Copier} over a stretch, seen from the thread that runs the transfer: it waits, tells how far it is,
 * and asks whether it may go on.
 */
final class Pass implements AutoCloseable {
    private static final long TICK_MILLIS = 100;

    private final Lane from;
    private final @Nullable Lane to;
    private final long end;
    private final @Nullable PrefixDigest digest;
    private final ExecutorService digester;
    private final Copier copier;

    /** Looks at a walk ten times a second. */
    interface Watcher {
        /** Whether it is to end here. */
        boolean endsHere() throws TransferException;
    }

    private Pass(
            Lane from,
            @Nullable Lane to,
            long end,
            @Nullable PrefixDigest digest,
            ExecutorService digester,
            Copier copier) {
        this.from = from;
        this.to = to;
        this.end = end;
        this.digest = digest;
        this.digester = digester;
        this.copier = copier;
    }

    /** Ready to walk; see {@link Copier} for what the arguments mean. */
    static Pass over(
            Lane from,
            @Nullable Lane to,
            long begin,
            long end,
            boolean blank,
            @Nullable PrefixDigest digest,
            ExecutorService digester) {
        IoLoop loop = from.loop();
        Copier copier = Lane.call(loop, () -> new Copier(from, to, begin, end, blank, digest, digester));
        return new Pass(from, to, end, digest, digester, copier);
    }

    /**
     * Walks to the end, or until the watcher has seen enough. However it ends, nothing is under way any more, and the sum
     * is marked where it stands.
     */
    void run(JobControl control, Watcher watcher) throws TransferException, JobCanceledException {
        try {
            while (!copier.over().isDone()) {
                control.checkpoint();
                copier.grant();
                await();
                control.progress(copier.settledUpTo(), end);
                if (watcher.endsHere()) {
                    stop();
                }
            }
        } finally {
            stop();
            mark();
        }
        if (copier.errno() != Errno.OK) {
            Lane failed = copier.failedReading() || to == null ? from : to;
            throw Trouble.of(failed, copier.failedReading(), copier.errno(), copier.failedOffset());
        }
    }

    private void await() throws JobCanceledException {
        try {
            copier.over().get(TICK_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException goesOn) {
            return;
        } catch (InterruptedException interrupted) {
            throw new JobCanceledException("interrupted");
        } catch (ExecutionException impossible) {
            throw new IllegalStateException("a transfer ended in a way that there is not", impossible);
        }
    }

    private void stop() {
        Lane.call(from.loop(), () -> {
            copier.stop();
            if (!copier.over().isDone()) {
                // What waits until a volume is unlocked would keep this waiting as well.
                abandon(from);
                abandon(to);
            }
            return true;
        });
        copier.over().join();
    }

    private static void abandon(@Nullable Lane lane) {
        if (lane != null) {
            lane.channel().abandon();
        }
    }

    private void mark() {
        PrefixDigest sum = digest;
        if (sum != null) {
            try {
                digester.submit(sum::mark).get();
            } catch (InterruptedException interrupted) {
                // Nothing is lost but how far we had come since the last mark.
                Thread.currentThread().interrupt();
            } catch (ExecutionException impossible) {
                throw new IllegalStateException("the sum of a transfer cannot be taken", impossible);
            }
        }
    }

    /** Everything before this is on the target, with a sum if there is to be one; not yet durably. */
    long settledUpTo() {
        long settled = copier.settledUpTo();
        return digest == null ? settled : digest.markUpTo(settled);
    }

    /** How many bytes of data there were. */
    long dataBytes() {
        return copier.dataBytes();
    }

    /** After {@link #run}. */
    @Override
    public void close() {
        stop();
        Lane.call(from.loop(), () -> {
            copier.close();
            return true;
        });
    }
}
