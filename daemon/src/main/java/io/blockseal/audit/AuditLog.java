package io.blockseal.audit;

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

    private AuditLog() {}

    /** Records that something happened, who ran the process, and which process it was. */
    public static void record(AuditEvent event, AuditField... fields) {
        StringBuilder line = new StringBuilder("audit event=").append(event.word());
        for (AuditField field : fields) {
            line.append(' ').append(field);
        }
        line.append(' ').append(AuditField.of("uid", Operator.uid()));
        line.append(" pid=").append(ProcessHandle.current().pid());
        LOG.info("{}", line);
    }
}
