package io.blockseal.transfer;

import io.blockseal.block.Errno;
import io.blockseal.block.IoLoop;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.transfer.TransferException.Kind;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * One copy of one disk to another: looks first, copies, makes it durable, reads it back. It runs on the caller's thread,
 * which waits; the work is done on a loop and on a thread that adds up.
 *
 * <p>What was copied and is durable is noted in a {@link CheckpointFile} every few seconds. A transfer that is cancelled
 * or fails notes the same before it ends. The next one may go on from there, if it is told to and both ends are the same:
 * it first reads back what is there already, which both proves it and brings the sum to where it was.
 */
public final class Transfer {
    private final Lane from;
    private final Lane to;
    private final CheckpointFile file;
    private final TransferOptions options;
    private final JobControl control;
    private final ExecutorService digester;
    private final Side source;
    private final Side target;
    private final long length;

    private Transfer(
            Lane from,
            Lane to,
            CheckpointFile file,
            TransferOptions options,
            JobControl control,
            ExecutorService digester) {
        this.from = from;
        this.to = to;
        this.file = file;
        this.options = options;
        this.control = control;
        this.digester = digester;
        this.source = from.side();
        this.target = to.side();
        this.length = source.sizeBytes();
    }

    /**
     * Copies all of {@code source} to the beginning of {@code target}, whose rest becomes zeros.
     *
     * @param loop does the work; nothing else should keep it busy
     * @param file where to note how far it is
     * @throws TransferException if it is refused, or breaks, or what is read back differs
     * @throws JobCanceledException if {@code control} says so; it can be gone on with
     */
    public static TransferReport run(
            IoLoop loop, Side source, Side target, CheckpointFile file, TransferOptions options, JobControl control)
            throws TransferException, JobCanceledException {
        ExecutorService digester = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "transfer-sum");
            thread.setDaemon(true);
            return thread;
        });
        try (Lane from = Lane.open(loop, source);
                Lane to = Lane.open(loop, target)) {
            return new Transfer(from, to, file, options, control, digester).run();
        } finally {
            digester.shutdown();
        }
    }

    private TransferReport run() throws TransferException, JobCanceledException {
        if (!target.isStream() && target.sizeBytes() < length) {
            throw new TransferException(
                    Kind.REFUSED,
                    target.name() + ": too small: it has " + target.sizeBytes() + " bytes, and " + source.name()
                            + " has " + length + ".");
        }
        Checkpoint start = options.resume() ? earlier() : begin();
        PrefixDigest read = options.verify() ? PrefixDigest.start(length) : null;
        PrefixDigest back = read == null || target.isStream() ? null : catchUp(start, read);
        long begun = System.nanoTime();
        long dataBytes = copy(start, read);
        long copied = System.nanoTime();
        if (read != null && back != null) {
            readBack(read, back);
        }
        file.delete();
        return new TransferReport(
                length,
                dataBytes,
                start.offset(),
                read == null ? "" : read.sumAt(length),
                back == null ? "" : back.sumAt(length),
                (copied - begun) / 1_000_000,
                (System.nanoTime() - copied) / 1_000_000);
    }

    private Checkpoint begin() throws TransferException {
        boolean blank = false;
        if (!target.isStream()) {
            Blankness found = Blankness.of(to);
            blank = found == Blankness.BLANK;
            if (found == Blankness.HOLDS && !options.force()) {
                throw notEmpty();
            }
        }
        String sum = options.verify() ? PrefixDigest.start(0).sumAt(0) : "";
        Checkpoint first =
                new Checkpoint(source.fingerprint().get(), target.fingerprint().get(), length, 0, blank, sum);
        file.save(first);
        return first;
    }

    private TransferException notEmpty() throws TransferException {
        Checkpoint interrupted = file.load();
        return new TransferException(
                Kind.REFUSED,
                target.name() + ": it is not empty, and would be overwritten.\n  "
                        + (interrupted == null
                                ? "Name another target, or say --force if what it holds may be lost."
                                : "A transfer to it was interrupted at offset " + interrupted.offset()
                                        + ": go on with --resume, or start over with --force."));
    }

    /** Where an earlier transfer between the same two stopped. */
    private Checkpoint earlier() throws TransferException {
        Checkpoint last = file.load();
        if (last == null) {
            throw new TransferException(
                    Kind.REFUSED,
                    target.name() + ": there is nothing to go on with: no transfer to it was interrupted, or none that"
                            + " this host remembers.\n  Leave --resume out, or name the --state-dir of that time.");
        }
        requireSameSource(last, "the source has changed since the copy was interrupted");
        String change = target.fingerprint().get().changeSince(last.target());
        if (!change.isEmpty()) {
            throw new TransferException(
                    Kind.REFUSED,
                    target.name() + ": it is not the target that was copied to: " + change
                            + ".\n  Start over with --force.");
        }
        return last;
    }

    private void requireSameSource(Checkpoint last, String words) throws TransferException {
        String change = source.fingerprint().get().changeSince(last.source());
        if (!change.isEmpty()) {
            throw new TransferException(
                    Kind.BROKEN,
                    source.name() + ": " + words + ": " + change
                            + ".\n  See to it that nobody writes to it, and start over with --force.");
        }
    }

    /**
     * Brings the sum to where the copy goes on, from the target itself if its sum is known.
     *
     * @return the sum with which reading back goes on: what was read back now need not be read again
     */
    private PrefixDigest catchUp(Checkpoint start, PrefixDigest read) throws TransferException, JobCanceledException {
        if (start.offset() == 0) {
            return PrefixDigest.startLike(read);
        }
        boolean proves = !start.sum().isEmpty();
        if (proves) {
            target.forget().run();
        }
        control.phase(proves ? "reading back what was copied before" : "reading the source again");
        try (Pass pass = Pass.over(proves ? to : from, null, 0, start.offset(), false, read, digester)) {
            pass.run(control, () -> false);
        }
        if (proves && !read.sumAt(start.offset()).equals(start.sum())) {
            throw new TransferException(
                    Kind.REFUSED,
                    target.name() + ": what it holds up to offset " + start.offset()
                            + " is not what was copied: it was written to since.\n  Start over with --force.");
        }
        return proves ? read.fork() : PrefixDigest.startLike(read);
    }

    private long copy(Checkpoint start, @Nullable PrefixDigest read) throws TransferException, JobCanceledException {
        control.phase("copying");
        Notes notes = new Notes(
                to, file, options.checkpointMillis(), start, target.losses().getAsLong());
        try (Pass pass = Pass.over(from, to, start.offset(), length, start.blank(), read, digester)) {
            try {
                pass.run(control, () -> {
                    notes.look(pass, read);
                    return false;
                });
                zeroTheRest(start);
                requireSameSource(start, "the source has changed while it was copied");
                notes.note(length, read);
            } catch (JobCanceledException cancelled) {
                throw new JobCanceledException(cancelled.getMessage() + "." + notes.lastWords(pass, read));
            } catch (TransferException failed) {
                throw new TransferException(failed.kind(), failed.getMessage() + notes.lastWords(pass, read), failed);
            }
            return pass.dataBytes();
        }
    }

    private void zeroTheRest(Checkpoint start) throws TransferException {
        if (!start.blank() && !target.isStream()) {
            Errno errno = Blankness.zeroFrom(to, length);
            if (errno != Errno.OK) {
                throw Trouble.of(to, false, errno, length);
            }
        }
    }

    /** Reads back and compares on the way, so that nobody waits for hours to hear of a difference at the beginning. */
    private void readBack(PrefixDigest read, PrefixDigest back) throws TransferException, JobCanceledException {
        target.forget().run();
        control.phase("reading back");
        long begin = back.markUpTo(length);
        try (Pass pass = Pass.over(to, null, begin, length, false, back, digester)) {
            pass.run(control, () -> read.firstDifference(back) >= 0);
        } catch (JobCanceledException cancelled) {
            throw new JobCanceledException(
                    cancelled.getMessage() + ".\n  Everything is copied, but not yet read back: go on with --resume.");
        }
        long differs = read.firstDifference(back);
        if (differs >= 0) {
            file.delete();
            throw Difference.between(from, to, back.markUpTo(differs - 1), differs);
        }
    }
}
