package io.blockseal.audit;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the lines of the audit log are kept: a file, sinks, or both. Whoever does something waits until its line is on the
 * disk. A disk that refuses or does not answer holds up nobody for long and loses nothing: lines then wait in memory, in
 * their order and with their times, and are written when it is well again. Until then they are in the daemon's log and
 * with the sinks, and a metric counts them.
 */
public final class AuditTrail implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(AuditTrail.class);
    private static final long PATIENCE_MILLIS = 5_000;
    private static final int WAITING_MAX = 50_000;

    private final @Nullable AuditFile file;
    private final List<AuditSink> sinks;
    private final long patienceMillis;
    private final int waitingMax;
    private final Object sending = new Object();
    private final AtomicLong failures = new AtomicLong();
    private final ArrayDeque<Waiting> queue = new ArrayDeque<>();
    private final Thread writer;
    private long dropped;
    private boolean fileTroubled;
    private boolean sinkTroubled;
    private boolean closed;
    private boolean lastTried;

    private static final class Waiting {
        private final AuditRecord record;
        private @Nullable AuditLine written;

        Waiting(AuditRecord record) {
            this.record = record;
        }
    }

    /** Owns what it is given. Without a file the sinks alone get the lines. */
    public AuditTrail(@Nullable AuditFile file, List<AuditSink> sinks) {
        this(file, sinks, PATIENCE_MILLIS, WAITING_MAX);
    }

    AuditTrail(@Nullable AuditFile file, List<AuditSink> sinks, long patienceMillis, int waitingMax) {
        this.file = file;
        this.sinks = List.copyOf(sinks);
        this.patienceMillis = patienceMillis;
        this.waitingMax = waitingMax;
        this.writer = new Thread(this::write, "audit");
        writer.setDaemon(true);
        if (file != null) {
            writer.start();
        }
    }

    /** How often a line could not be written or sent. */
    public long failures() {
        return failures.get();
    }

    /** How many lines are not in the file yet. */
    public synchronized long waiting() {
        return queue.size() + dropped;
    }

    /** Takes a record; what everybody is to read of it: with its number and hash, if it is in the file. */
    String take(AuditRecord record) {
        AuditLine line = file == null ? null : keep(record);
        String text = record + (line == null ? "" : " seq=" + line.seq() + " hash=" + line.hash());
        synchronized (sending) {
            for (AuditSink sink : sinks) {
                send(sink, text);
            }
        }
        return text;
    }

    private void send(AuditSink sink, String text) {
        try {
            sink.send(text);
            sinkTroubled = false;
        } catch (IOException refused) {
            failures.incrementAndGet();
            if (!sinkTroubled) {
                sinkTroubled = true;
                LOG.error(
                        "the audit log cannot be sent: {}; it goes on without until that works again", words(refused));
            }
        }
    }

    /** Null if it is not in the file yet. */
    private synchronized @Nullable AuditLine keep(AuditRecord record) {
        Waiting waiting = new Waiting(record);
        if (queue.size() >= waitingMax) {
            // Not the one that is being written.
            Waiting first = queue.removeFirst();
            queue.removeFirst();
            queue.addFirst(first);
            dropped++;
        }
        queue.add(waiting);
        notifyAll();
        long end = System.nanoTime() + patienceMillis * 1_000_000;
        boolean interrupted = false;
        while (waiting.written == null && !fileTroubled && !closed) {
            long left = (end - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                trouble("it does not answer");
                break;
            }
            try {
                wait(left);
            } catch (InterruptedException later) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return waiting.written;
    }

    /** The thread of the file. */
    private void write() {
        Waiting next = next();
        while (next != null) {
            try {
                AuditLine line = append(next);
                next = done(next, line);
            } catch (IOException | RuntimeException refused) {
                next = failed(refused instanceof IOException told ? words(told) : refused.toString());
            }
        }
    }

    private AuditLine append(Waiting next) throws IOException {
        AuditFile to = Objects.requireNonNull(file);
        long lost;
        synchronized (this) {
            lost = dropped;
        }
        if (lost > 0) {
            to.append(AuditRecord.now(AuditEvent.LOG_GAP, AuditField.of("lines-lost", lost)));
            synchronized (this) {
                dropped -= lost;
            }
        }
        return to.append(next.record);
    }

    private synchronized @Nullable Waiting next() {
        while (queue.isEmpty()) {
            if (closed) {
                return null;
            }
            pause(0);
        }
        return queue.getFirst();
    }

    private @Nullable Waiting done(Waiting done, AuditLine line) {
        synchronized (this) {
            done.written = line;
            queue.removeFirst();
            if (fileTroubled && queue.isEmpty()) {
                fileTroubled = false;
                LOG.warn("the audit log can be written again; the lines that waited are in it");
            }
            notifyAll();
        }
        return next();
    }

    private @Nullable Waiting failed(String why) {
        synchronized (this) {
            trouble(why);
            if (!closed) {
                pause(patienceMillis);
            } else if (lastTried) {
                return null;
            }
            // What failed may have been begun before it was closed.
            lastTried = closed;
        }
        return next();
    }

    private void trouble(String why) {
        failures.incrementAndGet();
        if (!fileTroubled) {
            fileTroubled = true;
            LOG.error(
                    "the audit log {} cannot be written: {}. Its lines wait in memory and are in this log; make it"
                            + " writable, nothing has to be restarted",
                    file == null ? "" : file.path(),
                    why);
        }
        notifyAll();
    }

    @SuppressWarnings("WaitNotInLoop") // Its callers look again, and a look too many does no harm.
    private void pause(long millis) {
        try {
            wait(millis);
        } catch (InterruptedException wanted) {
            // Nobody interrupts this thread but to have it look.
        }
    }

    /** What went wrong, for an operator. */
    public static String words(IOException e) {
        if (e instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (e instanceof NoSuchFileException) {
            return "there is no such directory";
        }
        String reason = e instanceof FileSystemException denied ? denied.getReason() : e.getMessage();
        return reason == null ? "the file system refuses it" : reason;
    }

    /** Writes what waits, if that can be done soon. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        try {
            writer.join(patienceMillis);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        long lost = waiting();
        if (lost > 0) {
            LOG.error("{} lines of the audit log are in this log only: the file could not be written", lost);
        }
        try {
            // One that hangs in a write keeps the channel: closing it would hang with it.
            if (file != null && !writer.isAlive()) {
                file.close();
            }
            for (AuditSink sink : sinks) {
                sink.close();
            }
        } catch (IOException refused) {
            LOG.warn("the audit log cannot be closed: {}", words(refused));
        }
    }
}
