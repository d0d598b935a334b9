package io.blockseal.audit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one line for every act that an auditor asks about later, to the logger named {@code audit}. That logger is told
 * everything whatever the log level, so a line is never missing because somebody wanted a quiet log.
 *
 * <p>{@code audit event=rollback-accepted volume=/srv/db.bsl uuid=... found=41 anchor=57 uid=0 pid=812}
 *
 * <p>From any thread but an event loop. Rare by nature: nothing here is on the path of a request.
 */
public final class AuditLog {
    /** The name of the logger, for whoever routes it to a file of its own. */
    public static final String LOGGER = "audit";

    private static final Logger LOG = LoggerFactory.getLogger(LOGGER);
    private static final Path STATUS = Path.of("/proc/self/status");

    private AuditLog() {}

    /** Records that something happened, who ran the process, and which process it was. */
    public static void record(AuditEvent event, AuditField... fields) {
        StringBuilder line = new StringBuilder("audit event=").append(event.word());
        for (AuditField field : fields) {
            line.append(' ').append(field);
        }
        line.append(' ').append(AuditField.of("uid", uid()));
        line.append(" pid=").append(ProcessHandle.current().pid());
        LOG.info("{}", line);
    }

    /** The real user id; the name where the system does not tell numbers. */
    private static String uid() {
        // Not by the owner of /proc/self: the process is undumpable, and then that is root whoever runs it.
        try {
            for (String line : Files.readAllLines(STATUS, StandardCharsets.ISO_8859_1)) {
                if (line.startsWith("Uid:")) {
                    return line.substring("Uid:".length()).strip().split("\\s+")[0];
                }
            }
        } catch (IOException e) {
            LOG.debug("{}: {}", STATUS, e.getMessage());
        }
        return System.getProperty("user.name", "unknown");
    }
}
