package io.blockseal.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** One line an event, whatever a file is called. */
class AuditLogTest {
    @Test
    void tellsEventFieldsUserAndProcess() {
        try (AuditLines audit = AuditLines.listen()) {
            AuditLog.record(
                    AuditEvent.ROLLBACK_ACCEPTED,
                    AuditField.of("volume", "/srv/db.bsl"),
                    AuditField.of("found", 41),
                    AuditField.of("anchor", 57));
            List<String> lines = audit.lines();
            assertEquals(1, lines.size());
            assertTrue(
                    lines.get(0)
                            .matches("audit event=rollback-accepted volume=/srv/db\\.bsl found=41 anchor=57"
                                    + " uid=\\d+ pid=" + ProcessHandle.current().pid()),
                    lines.get(0));
        }
    }

    @Test
    void keepsAValueInOnePieceAndInOneLine() {
        assertEquals(
                "volume=/srv/db.bsl", AuditField.of("volume", "/srv/db.bsl").toString());
        assertEquals("volume=\"a b=c\"", AuditField.of("volume", "a b=c").toString());
        assertEquals("volume=\"\"", AuditField.of("volume", "").toString());
        assertEquals(
                "volume=\"x\\u000aaudit event=\\\"repair\\\"\\\\\"",
                AuditField.of("volume", "x\naudit event=\"repair\"\\").toString());
        assertEquals(
                "label=\"\\u202eevil\"", AuditField.of("label", "\u202eevil").toString());
        assertFalse(AuditField.of("label", "Größe").toString().contains("\\u"), "letters stay readable");
        assertThrows(IllegalArgumentException.class, () -> AuditField.of("two words", 1));
    }

    @Test
    void hasEachOfItsEventsOnThePageForAuditors() throws IOException {
        String page = Files.readString(Path.of("..", "docs", "audit.md"));
        for (AuditEvent event : AuditEvent.values()) {
            assertTrue(page.contains("`" + event.word() + "`"), "docs/audit.md lacks " + event.word());
        }
    }
}
