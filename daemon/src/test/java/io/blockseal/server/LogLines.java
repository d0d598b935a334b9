package io.blockseal.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** Listens to what a class says in the log, for a test that has to know that something is under way. */
final class LogLines extends AppenderBase<ILoggingEvent> implements AutoCloseable {
    private final Logger logger;
    private final @Nullable Level before;
    private final StringBuffer said = new StringBuffer();

    private LogLines(Class<?> speaker) {
        this.logger = (Logger) LoggerFactory.getLogger(speaker);
        this.before = logger.getLevel();
        logger.setLevel(Level.INFO);
    }

    /** From now on. */
    static LogLines listen(Class<?> speaker) {
        LogLines lines = new LogLines(speaker);
        lines.start();
        lines.logger.addAppender(lines);
        return lines;
    }

    @Override
    protected void append(ILoggingEvent event) {
        said.append(event.getLevel() + " " + event.getFormattedMessage()).append('\n');
    }

    /** Returns once these words were said. */
    void await(String words) throws InterruptedException {
        while (said.indexOf(words) < 0) {
            Thread.onSpinWait();
            if (Thread.interrupted()) {
                throw new InterruptedException("nobody said: " + words);
            }
        }
    }

    boolean saidNothing() {
        return said.length() == 0;
    }

    /** What was said so far, a line each. */
    List<String> all() {
        return said.toString().lines().toList();
    }

    @Override
    public void close() {
        logger.detachAppender(this);
        logger.setLevel(before);
    }
}
