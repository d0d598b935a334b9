package io.blockseal.app;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.ConnectionWatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Tells the audit log which clients come to which exports, on a thread of its own, in the order in which they come. */
final class ClientVisits implements ConnectionWatch, AutoCloseable {
    private static final long GOODBYE_SECONDS = 5;

    private final TlsFigures figures;
    private final ExecutorService writer;

    ClientVisits(TlsFigures figures) {
        this.figures = figures;
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
        record(AuditEvent.CLIENT_OPENED, visit);
    }

    @Override
    public void closed(Visit visit) {
        record(AuditEvent.CLIENT_CLOSED, visit);
    }

    private void record(AuditEvent event, Visit visit) {
        writer.execute(() -> AuditLog.record(
                event,
                AuditField.of("export", visit.export()),
                AuditField.of("peer", visit.peer()),
                AuditField.of("tls", visit.tls()),
                AuditField.of("proof", visit.client().proof().word()),
                AuditField.of("client", visit.client().name()),
                AuditField.of("names", String.join(",", visit.client().alternatives())),
                AuditField.of("read-only", visit.readOnly())));
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
