package io.blockseal.app.audit;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.ConnectionWatch;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the audit log which clients come to which exports, and who is kept from them, on a thread of its own, in the order
 * in which they come. While much is not written yet nobody more is let in: what each client that is there may leave
 * behind, two lines and its refusals, is the rest of what can wait.
 */
public final class ClientVisits implements ConnectionWatch, AutoCloseable {
    private static final long GOODBYE_SECONDS = 5;

    /** Whoever can reach us can be refused as often as it likes: more of that than this is counted, and not kept. */
    private static final int REFUSALS_WAITING_MAX = 1000;

    /** Of {@link AuditLog}'s own lines, too: it keeps some times as many, and who comes and goes is not to drive out others. */
    private static final int BEHIND_LINES = 10_000;

    private static final Logger LOG = LoggerFactory.getLogger(ClientVisits.class);

    private final TlsFigures figures;
    private final Supplier<Collection<ExportMetrics>> exports;
    private final ExecutorService writer;
    private final int behindLines;
    private final AtomicInteger linesWaiting = new AtomicInteger();
    private final AtomicBoolean toldBehind = new AtomicBoolean();
    private final AtomicInteger refusalsWaiting = new AtomicInteger();
    private final AtomicLong refusalsUnwritten = new AtomicLong();

    /** {@code exports} has the figures of every export that there is at the time. */
    public ClientVisits(TlsFigures figures, Supplier<Collection<ExportMetrics>> exports) {
        this(figures, exports, BEHIND_LINES);
    }

    /** Where nobody is let in while so many lines are not written. */
    ClientVisits(TlsFigures figures, Supplier<Collection<ExportMetrics>> exports, int behindLines) {
        this.figures = figures;
        this.behindLines = behindLines;
        this.exports = exports;
        ThreadPoolExecutor one =
                new ThreadPoolExecutor(1, 1, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), ClientVisits::thread);
        one.allowCoreThreadTimeOut(true);
        this.writer = one;
    }

    private static Thread thread(Runnable task) {
        Thread thread = new Thread(task, "visits");
        thread.setDaemon(true);
        return thread;
    }

    @Override
    public void opened(Visit visit) {
        if (visit.tls().equals("none")) {
            figures.countPlain();
        }
        tell(AuditEvent.CLIENT_OPENED, visit);
    }

    @Override
    public void closed(Visit visit) {
        tell(AuditEvent.CLIENT_CLOSED, visit);
    }

    @Override
    public void refused(Visit visit) {
        for (ExportMetrics each : exports.get()) {
            if (each.exportName().equals(visit.export())) {
                each.countRefusal();
            }
        }
        if (refusalsWaiting.incrementAndGet() > REFUSALS_WAITING_MAX) {
            refusalsWaiting.decrementAndGet();
            refusalsUnwritten.incrementAndGet();
            return;
        }
        writer.execute(() -> {
            refusalsWaiting.decrementAndGet();
            List<AuditField> fields = fields(visit);
            // There is always one more to come when one was not kept.
            long unwritten = refusalsUnwritten.getAndSet(0);
            if (unwritten > 0) {
                fields.add(AuditField.of("unwritten", unwritten));
            }
            record(AuditEvent.CLIENT_REFUSED, fields);
        });
    }

    @Override
    public boolean isBehind() {
        long lines = linesWaiting.get() + AuditLog.waiting();
        if (lines < behindLines) {
            if (lines < behindLines / 2 && toldBehind.compareAndSet(true, false)) {
                LOG.warn("clients are let in again: the audit log is being written");
            }
            return false;
        }
        if (toldBehind.compareAndSet(false, true)) {
            LOG.error(
                    "no more clients are let in: {} lines of the audit log are not written yet. Those that are there go"
                            + " on; make the log's disk faster, or see why it cannot be written",
                    lines);
        }
        return true;
    }

    private void tell(AuditEvent event, Visit visit) {
        linesWaiting.incrementAndGet();
        writer.execute(() -> {
            List<AuditField> fields = fields(visit);
            fields.add(AuditField.of("read-only", visit.readOnly()));
            try {
                record(event, fields);
            } finally {
                linesWaiting.decrementAndGet();
            }
        });
    }

    private static void record(AuditEvent event, List<AuditField> fields) {
        AuditLog.record(event, fields.toArray(new AuditField[0]));
    }

    private static List<AuditField> fields(Visit visit) {
        return new ArrayList<>(List.of(
                AuditField.of("export", visit.export()),
                AuditField.of("peer", visit.peer()),
                AuditField.of("tls", visit.tls()),
                AuditField.of("proof", visit.client().proof().word()),
                AuditField.of("client", visit.client().name()),
                AuditField.of("names", visit.client().alternativesText())));
    }

    /** What was told before is written when this returns. */
    @Override
    public void close() {
        writer.shutdown();
        try {
            if (!writer.awaitTermination(GOODBYE_SECONDS, TimeUnit.SECONDS)) {
                int unwritten = writer.shutdownNow().size();
                if (unwritten > 0) {
                    LOG.error(
                            "{} lines on clients that came or went are not in the audit log, which did not take them in"
                                    + " time",
                            unwritten);
                }
            }
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }
}
