package io.blockseal.app.setup;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import io.blockseal.audit.AuditLog;
import io.blockseal.config.LogLevel;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The daemon's log: one line an event on stderr, in UTC. Stack traces only at DEBUG: they are for whoever changes the
 * program, and everybody else gets a message that says what to do. Found by Logback through its service file, which
 * spares the start its search for XML.
 */
public final class LogSetup extends ContextAwareBase implements Configurator {
    private static final String APPENDER = "stderr";
    // A client chooses some of the words that are logged, such as an export's name: it must not be able to write lines.
    private static final String LINE =
            "%d{yyyy-MM-dd'T'HH:mm:ss.SSS'Z', UTC} %-5level %replace(%msg){'[\\p{Cntrl}]+', ' '}%n";

    /** For Logback. */
    public LogSetup() {}

    @Override
    public ExecutionStatus configure(LoggerContext loggers) {
        if (LogSetup.class.getResource("/logback-test.xml") != null) {
            return ExecutionStatus.INVOKE_NEXT_IF_ANY; // Tests bring their own.
        }
        apply(loggers, LogLevel.WARN);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /** How much to tell from now on. Commands other than {@code serve} tell warnings only. */
    public static void level(LogLevel level) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext loggers) {
            apply(loggers, level);
        }
    }

    private static void apply(LoggerContext loggers, LogLevel level) {
        Logger root = loggers.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.toLevel(level.name()));
        // Netty tells at DEBUG what it found on the machine, hundreds of lines of it.
        loggers.getLogger("io.netty").setLevel(level == LogLevel.ERROR ? Level.ERROR : Level.WARN);
        // Whatever the operator wants to read, an auditor's lines are all there.
        // A machine without a network card is nothing to warn of.
        loggers.getLogger("io.netty.util.internal.MacAddressUtil").setLevel(Level.ERROR);
        loggers.getLogger(AuditLog.LOGGER).setLevel(Level.INFO);
        replaceAppender(loggers, root, level == LogLevel.DEBUG ? LINE : LINE + "%nopex");
    }

    private static void replaceAppender(LoggerContext loggers, Logger root, String pattern) {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(loggers);
        encoder.setPattern(pattern);
        encoder.start();
        ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
        appender.setContext(loggers);
        appender.setName(APPENDER);
        appender.setTarget("System.err");
        appender.setEncoder(encoder);
        appender.start();
        ch.qos.logback.core.@Nullable Appender<ILoggingEvent> before = root.getAppender(APPENDER);
        root.addAppender(appender);
        if (before != null) {
            root.detachAppender(before);
            before.stop();
        }
    }
}
