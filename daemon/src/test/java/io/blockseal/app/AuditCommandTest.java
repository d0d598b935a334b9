package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.audit.AuditEvent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life of a volume in its audit log, as a user would run it. */
class AuditCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void make() {
        cli = new Cli(directory);
    }

    private Cli.Result audited(String... words) {
        return cli.run(Stream.concat(Stream.of(words), Stream.of("--audit-log", "./audit.log"))
                .toArray(String[]::new));
    }

    @Test
    void tellsWhatEachCommandDidWithKeysAndIsChecked() throws Exception {
        audited("create", "./demo.bsl", "--size", "64M", "--key-file", "./demo.key");
        audited("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./next.key");
        Files.writeString(cli.path("other.key"), "0123456789abcdef0123456789abcdef".repeat(2));
        Files.setPosixFilePermissions(cli.path("other.key"), Files.getPosixFilePermissions(cli.path("demo.key")));
        assertEquals(
                3, audited("check", "./demo.bsl", "--key-file", "./other.key").exitCode());
        audited("resize", "./demo.bsl", "--size", "128M", "--key-file", "./demo.key");

        List<String> events = Files.readAllLines(cli.path("audit.log")).stream()
                .map(AuditCommandTest::event)
                .toList();
        for (AuditEvent event : List.of(
                AuditEvent.LOG_BEGUN,
                AuditEvent.VOLUME_CREATED,
                AuditEvent.VOLUME_OPENED,
                AuditEvent.KEY_ACCEPTED,
                AuditEvent.KEY_SLOT_ADDED,
                AuditEvent.KEY_REFUSED,
                AuditEvent.VOLUME_RESIZED)) {
            assertTrue(events.contains(event.word()), event.word() + " is not in " + events);
        }
        String log = Files.readString(cli.path("audit.log"));
        JsonNode refused = JSON.readTree(log.lines()
                .filter(line -> event(line).equals("key-refused"))
                .findFirst()
                .orElseThrow());
        assertEquals("file:" + cli.path("other.key"), refused.get("source").asText());
        assertEquals("no-slot-opens", refused.get("reason").asText());
        for (String key : List.of("demo.key", "next.key")) {
            byte[] secret = Files.readAllBytes(cli.path(key));
            assertFalse(log.contains(HexFormat.of().formatHex(secret)));
        }

        JsonNode intact =
                JSON.readTree(cli.ok("audit", "verify", "./audit.log", "--json").out());
        assertTrue(intact.get("intact").asBoolean());
        assertEquals(events.size(), intact.get("lines").asInt());
        String hash = intact.get("lastHash").asText();
        assertTrue(
                cli.ok("audit", "verify", "./audit.log", "--expect", hash).out().contains("last hash: " + hash));
        assertTrue(intact.get("endKnown").asBoolean());
        Files.writeString(cli.path("copy.log"), log.substring(0, log.lastIndexOf('\n', log.length() - 2) + 1));
        String copied = cli.ok("audit", "verify", "./copy.log").out();
        assertTrue(copied.contains("cut off at the end would not be noticed: there is no copy.log.tip"), copied);
        cli.refused(ExitCode.DAMAGED, "missing at the end", "audit", "verify", "./copy.log", "--expect", hash);
        Files.writeString(cli.path("audit.log"), log.replaceFirst("key-refused", "key-allowed"));
        Cli.Result damaged =
                cli.refused(ExitCode.DAMAGED, "it was changed", "audit", "verify", "./audit.log", "--json");
        JsonNode problem = JSON.readTree(damaged.out()).get("problems").get(0);
        assertEquals(events.indexOf("key-refused") + 1, problem.get("line").asInt());
    }

    private static String event(String line) {
        try {
            return JSON.readTree(line).get("event").asText();
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void beginsNothingThatItCannotTell() {
        cli.refused(
                ExitCode.FAILURE,
                "cannot be opened",
                "create",
                "./demo.bsl",
                "--size",
                "64M",
                "--key-file",
                "./demo.key",
                "--audit-log",
                "./missing/audit.log");
        assertFalse(Files.exists(cli.path("demo.bsl")));
        cli.refused(ExitCode.FAILURE, "no such file", "audit", "verify", "./audit.log");
        cli.refused(ExitCode.USAGE, "64 hexadecimal digits", "audit", "verify", "./audit.log", "--expect", "1");
    }
}
