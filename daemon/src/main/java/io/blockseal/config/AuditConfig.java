package io.blockseal.config;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the audit log is kept besides the daemon's own log.
 *
 * @param file the file of chained lines; null for none
 * @param syslog the datagram socket of the system's log; null for none
 */
public record AuditConfig(@Nullable Path file, @Nullable Path syslog) {
    /** Nowhere else. */
    public static final AuditConfig NONE = new AuditConfig(null, null);

    private static final Path OF_THE_SYSTEM = Path.of("/dev/log");

    /** From {@code off} or a path. */
    public static @Nullable Path file(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("it is empty; there are off, and the path of a file");
        }
        return text.equals("off") ? null : Path.of(text);
    }

    /** From {@code off}, {@code auto} or a path. */
    public static @Nullable Path syslog(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("it is empty; there are auto, off, and the path of a socket");
        }
        if (text.equals("off")) {
            return null;
        }
        return text.equals("auto") ? OF_THE_SYSTEM : Path.of(text);
    }
}
