package io.blockseal.app.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.control.Caller;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Whoever floods the control socket hides neither himself nor the orders of others. */
class ControlNotesTest {
    @Test
    void losesNoOrderAndCountsEveryRefusal() {
        try (AuditLines audit = AuditLines.listen()) {
            int refusals = 50_000;
            try (ControlNotes notes = new ControlNotes()) {
                for (int i = 0; i < refusals; i++) {
                    notes.take(new Caller(4242, i), false, "connect");
                    if (i % 10_000 == 0) {
                        notes.take(new Caller(0, i), true, "job-pause " + i);
                    }
                }
            }
            assertEquals(
                    5,
                    audit.of(AuditEvent.CONTROL_CALL).stream()
                            .filter(line -> line.contains("job-pause"))
                            .count());
            List<String> refused = audit.of(AuditEvent.CONTROL_REFUSED).stream()
                    .filter(line -> line.contains("caller-uid=4242"))
                    .toList();
            long told = 0;
            for (String line : refused) {
                Matcher times = Pattern.compile(" times=(\\d+)").matcher(line);
                told += times.find() ? Long.parseLong(times.group(1)) : 1;
            }
            assertEquals(refusals, told);
            assertTrue(refused.size() < refusals, "some were counted only: " + refused.size());
        }
    }
}
