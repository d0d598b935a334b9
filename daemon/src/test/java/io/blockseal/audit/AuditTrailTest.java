package io.blockseal.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A line is in the file when the act goes on; a file that cannot be written holds up nobody and loses nothing. */
class AuditTrailTest {
    /** Of a busy disk when the trail is closed; what fails at once is not waited for. */
    private static final long PATIENCE_MILLIS = 10_000;

    @TempDir
    private Path directory;

    private static final class Received implements AuditSink {
        private final List<String> lines = new ArrayList<>();
        private boolean broken;

        @Override
        public void send(String line) throws IOException {
            if (broken) {
                throw new IOException("nobody listens");
            }
            lines.add(line);
        }

        @Override
        public void close() {}
    }

    private static AuditRecord record(int i) {
        return AuditRecord.now(AuditEvent.KEY_USED, AuditField.of("request", i));
    }

    @Test
    void tellsEverybodyUnderWhichHashALineStandsInTheFile() throws IOException {
        Path log = directory.resolve("audit.log");
        Received received = new Received();
        try (AuditTrail trail = new AuditTrail(AuditFile.open(log), List.of(received))) {
            String told = trail.take(record(7));
            assertEquals(List.of(told), received.lines);
            String hash = told.substring(told.indexOf(" hash=") + 6);
            assertTrue(told.startsWith("audit event=key-used request=7 seq=2 hash="), told);
            assertTrue(Files.readString(log).endsWith("\"hash\":\"" + hash + "\"}\n"), "already there");
        }
    }

    @Test
    void keepsWhatCannotBeWrittenUntilItCan() throws IOException {
        Path place = Files.createDirectory(directory.resolve("log"));
        Path log = place.resolve("audit.log");
        Received received = new Received();
        try (AuditTrail trail = new AuditTrail(AuditFile.open(log), List.of(received), PATIENCE_MILLIS, 50)) {
            trail.take(record(1));
            Path away = directory.resolve("away");
            Files.move(place, away);
            for (int i = 2; i < 5; i++) {
                assertFalse(trail.take(record(i)).contains("hash="), "it is not in the file");
            }
            assertEquals(3, trail.waiting());
            assertTrue(trail.failures() > 0);
            assertEquals(4, received.lines.size(), "others have it all the same");
            Files.move(away, place);
        }
        AuditVerification found = new AuditVerification(null);
        found.read(List.of(log));
        assertTrue(found.isIntact(), found.problems().toString());
        List<String> lines = Files.readAllLines(log);
        assertEquals(5, lines.size());
        for (int i = 1; i < 5; i++) {
            assertTrue(lines.get(i).contains("\"request\":\"" + i + "\""), "in their order: " + lines);
        }
    }

    @Test
    void saysHowManyLinesItCouldNotKeep() throws IOException {
        Path place = Files.createDirectory(directory.resolve("log"));
        Path log = place.resolve("audit.log");
        try (AuditTrail trail = new AuditTrail(AuditFile.open(log), List.of(), PATIENCE_MILLIS, 3)) {
            Path away = directory.resolve("away");
            Files.move(place, away);
            for (int i = 0; i < 10; i++) {
                trail.take(record(i));
            }
            assertEquals(10, trail.waiting());
            Files.move(away, place);
        }
        List<String> lines = Files.readAllLines(log);
        // A try that was under way when the file came back tells of those that it knew.
        Pattern gap = Pattern.compile("\"event\":\"log-gap\",\"lines-lost\":\"([0-9]+)\"");
        int lost = lines.stream()
                .map(gap::matcher)
                .filter(Matcher::find)
                .mapToInt(found -> Integer.parseInt(found.group(1)))
                .sum();
        assertEquals(7, lost, lines::toString);
        assertEquals(
                3, lines.stream().filter(line -> line.contains("\"request\"")).count(), lines::toString);
        assertTrue(lines.get(lines.size() - 1).contains("\"request\":\"9\""), lines::toString);
    }

    @Test
    void goesOnWithoutASinkThatIsAway() throws IOException {
        Received received = new Received();
        try (AuditTrail trail = new AuditTrail(null, List.of(received))) {
            received.broken = true;
            trail.take(record(1));
            assertEquals(1, trail.failures());
            received.broken = false;
            assertEquals("audit event=key-used request=2", trail.take(record(2)));
            assertEquals(List.of("audit event=key-used request=2"), received.lines);
        }
    }
}
