package io.blockseal.audit;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one line for every act that an auditor asks about later, to the logger named {@code audit}, and to the
 * {@link AuditTrail} if the process keeps one. That logger is told everything whatever the log level, so a line is never
 * missing because somebody wanted a quiet log.
 *
 * <p>{@code audit event=rollback-accepted volume=/srv/db.bsl uuid=... found=41 anchor=57 uid=0 pid=812}
 *
 * <p>From any thread but an event loop. Rare by nature: nothing here is on the path of a request.
 */
public final class AuditLog {
    /** The name of the logger, for whoever routes it to a file of its own. */
    public static final String LOGGER = "audit";

    private static final Logger LOG = LoggerFactory.getLogger(LOGGER);

    private static volatile @Nullable AuditTrail trail;

    private AuditLog() {}

    /** Keeps lines there from now on; {@link #end} closes it. A process keeps one trail at most. */
    public static void keep(AuditTrail kept) {
        end();
        trail = kept;
    }

    /** The process does nothing more that an auditor asks about: closes the trail, if there is one. */
    public static void end() {
        AuditTrail kept = trail;
        trail = null;
        if (kept != null) {
            kept.close();
        }
    }

    /** Records that something happened, who ran the process, and which process it was. */
    public static void record(AuditEvent event, AuditField... fields) {
        AuditField[] all = Arrays.copyOf(fields, fields.length + 2);
        all[fields.length] = AuditField.of("uid", Operator.uid());
        all[fields.length + 1] = AuditField.of("pid", ProcessHandle.current().pid());
        AuditRecord record = AuditRecord.now(event, all);
        AuditTrail kept = trail;
        LOG.info("{}", kept == null ? record : kept.take(record));
    }

    /** How often a line could not be written or sent. */
    public static long failures() {
        AuditTrail kept = trail;
        return kept == null ? 0 : kept.failures();
    }

    /** How many lines are not in the file yet. */
    public static long waiting() {
        AuditTrail kept = trail;
        return kept == null ? 0 : kept.waiting();
    }
}
