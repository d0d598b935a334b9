package io.blockseal.audit;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.slf4j.LoggerFactory;

/** Listens to the audit log while a test runs. */
public final class AuditLines implements AutoCloseable {
    private final Logger logger = (Logger) LoggerFactory.getLogger(AuditLog.LOGGER);
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();

    private AuditLines() {
        appender.start();
        logger.addAppender(appender);
    }

    /** From now on. */
    public static AuditLines listen() {
        return new AuditLines();
    }

    /** What was recorded so far, by anybody in this process. */
    public List<String> lines() {
        return appender.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    /** The lines of one event. */
    public List<String> of(AuditEvent event) {
        return lines().stream()
                .filter(line -> line.startsWith("audit event=" + event.word() + " "))
                .toList();
    }

    @Override
    public void close() {
        logger.detachAppender(appender);
    }
}
