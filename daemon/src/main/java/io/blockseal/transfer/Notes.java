package io.blockseal.transfer;

import io.blockseal.block.Errno;
import io.blockseal.transfer.TransferException.Kind;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Notes every few seconds how far a copy is: first a flush, then the checkpoint, so that it never promises more than there
 * is. The copy goes on meanwhile.
 */
final class Notes {
    private final Lane to;
    private final CheckpointFile file;
    private final long periodNanos;
    private final long lossesBefore;
    private Checkpoint last;
    private long dueNanos;
    private @Nullable CompletableFuture<Errno> flush;
    private long flushedOffset;

    Notes(Lane to, CheckpointFile file, long periodMillis, Checkpoint last, long lossesBefore) {
        this.to = to;
        this.file = file;
        this.periodNanos = periodMillis * 1_000_000;
        this.last = last;
        this.lossesBefore = lossesBefore;
        this.dueNanos = System.nanoTime() + periodNanos;
    }

    /** What was noted last. */
    Checkpoint last() {
        return last;
    }

    /** Notes if it is time to; waits for nothing. */
    void look(Pass pass, @Nullable PrefixDigest digest) throws TransferException {
        CompletableFuture<Errno> pending = flush;
        if (pending != null && pending.isDone()) {
            finish(pending, digest);
        } else if (pending == null && file.keeps() && System.nanoTime() - dueNanos >= 0) {
            dueNanos = System.nanoTime() + periodNanos;
            flushedOffset = pass.settledUpTo();
            flush = flushedOffset > last.offset() ? to.beginFlush() : null;
        }
    }

    /** Makes durable and notes everything up to {@code offset}, and waits for it. */
    void note(long offset, @Nullable PrefixDigest digest) throws TransferException {
        CompletableFuture<Errno> pending = flush;
        if (pending != null) {
            finish(pending, digest);
        }
        flushedOffset = offset;
        finish(to.beginFlush(), digest);
    }

    private void finish(CompletableFuture<Errno> pending, @Nullable PrefixDigest digest) throws TransferException {
        flush = null;
        Errno errno = Lane.await(pending);
        if (errno != Errno.OK || to.side().losses().getAsLong() != lossesBefore) {
            throw new TransferException(
                    Kind.BROKEN,
                    to.side().name() + ": what was copied could not be made durable: a flush failed.\n"
                            + "  Look at the storage behind it.");
        }
        last = last.at(flushedOffset, digest == null ? "" : digest.sumAt(flushedOffset));
        file.save(last);
    }

    /** At the end of a copy that was cut short: how to go on, in words. Says nothing of trouble while noting it. */
    String lastWords(Pass pass, @Nullable PrefixDigest digest) {
        if (!file.keeps()) {
            return "";
        }
        try {
            note(pass.settledUpTo(), digest);
        } catch (TransferException failed) {
            // What was noted before still holds.
            return words();
        }
        return words();
    }

    private String words() {
        return "\n  Everything up to offset " + last.offset() + " is copied for good: go on with --resume.";
    }
}
