package io.blockseal.app.audit;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.keysource.KeyUse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Writes into the audit log what key sources outside the process were asked. */
public final class KeyUseAudit {
    private KeyUseAudit() {}

    public static void record(KeyUse use) {
        List<AuditField> fields = new ArrayList<>();
        fields.add(AuditField.of("operation", use.operation().name().toLowerCase(Locale.ROOT)));
        if (use.binding() != null) {
            fields.add(AuditField.of("uuid", use.binding().volume()));
        }
        fields.add(AuditField.of("source", use.reference()));
        fields.add(AuditField.of("version", use.version()));
        fields.add(AuditField.of("request", use.requestId()));
        fields.add(AuditField.of("outcome", use.outcome()));
        AuditLog.record(AuditEvent.KEY_USED, fields.toArray(AuditField[]::new));
    }
}
