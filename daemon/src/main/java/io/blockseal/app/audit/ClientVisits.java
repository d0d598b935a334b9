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
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Tells the audit log which clients come to which exports, and who is kept from them, on a thread of its own, in the order
 * in which they come.
 */
public final class ClientVisits implements ConnectionWatch, AutoCloseable {
    private static final long GOODBYE_SECONDS = 5;

    /** Whoever can reach us can be refused as often as it likes: more of that than this is counted, and not kept. */
    private static final int REFUSALS_WAITING_MAX = 1000;

    private final TlsFigures figures;
    private final Supplier<Collection<ExportMetrics>> exports;
    private final ExecutorService writer;
    private final AtomicInteger refusalsWaiting = new AtomicInteger();
    private final AtomicLong refusalsUnwritten = new AtomicLong();

    /** {@code exports} has the figures of every export that there is at the time. */
    public ClientVisits(TlsFigures figures, Supplier<Collection<ExportMetrics>> exports) {
        this.figures = figures;
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

    private void tell(AuditEvent event, Visit visit) {
        writer.execute(() -> {
            List<AuditField> fields = fields(visit);
            fields.add(AuditField.of("read-only", visit.readOnly()));
            record(event, fields);
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
                writer.shutdownNow();
            }
        } catch (InterruptedException hurried) {
            Thread.currentThread().interrupt();
        }
    }
}
