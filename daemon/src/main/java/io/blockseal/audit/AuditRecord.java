package io.blockseal.audit;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.List;

/**
 * One act, as it is told to everybody who keeps the audit log.
 *
 * @param time when it happened, in microseconds, whenever it is written
 * @param event what
 * @param fields the rest, in their order
 */
record AuditRecord(Instant time, AuditEvent event, List<AuditField> fields) {
    AuditRecord {
        time = time.truncatedTo(ChronoUnit.MICROS);
        fields = List.copyOf(fields);
    }

    static AuditRecord now(AuditEvent event, AuditField... fields) {
        return new AuditRecord(Instant.now(), event, Arrays.asList(fields));
    }

    /** The line for people: {@code audit event=rollback-accepted volume=/srv/db.bsl ...}. */
    @Override
    public String toString() {
        StringBuilder line = new StringBuilder("audit event=").append(event.word());
        for (AuditField field : fields) {
            line.append(' ').append(field);
        }
        return line.toString();
    }
}
