package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code info --ranges} on real files; what it reports of ranges in use is RangeReportTest's. */
class InfoRangesTest {
    @TempDir
    private Path directory;

    private Cli.Result run(ExitCode code, String... words) {
        Cli.Result result = new Cli(directory).run(words);
        assertEquals(code.number(), result.exitCode(), result.all());
        return result;
    }

    @Test
    void listsRangesWithAndWithoutAKey() throws Exception {
        createWithData();
        String unverified = run(ExitCode.OK, "info", "./d.bsl", "--ranges").out();
        assertTrue(unverified.contains("(not verified: name a key)"), unverified);
        assertTrue(unverified.contains("range keys: oldest 0 min, median 0 min, up to generation 1"), unverified);
        JsonNode report = new ObjectMapper()
                .readTree(run(
                                ExitCode.OK,
                                "info",
                                "./d.bsl",
                                "--ranges",
                                "--key-file",
                                "./d.key",
                                "--since",
                                "2020-01-01",
                                "--json")
                        .out());
        JsonNode keys = report.get("rangeKeys");
        assertTrue(keys.get("authenticated").asBoolean());
        assertTrue(keys.get("active").asLong() > 0, report.toString());
        assertEquals(4, keys.get("active").asLong() + keys.get("none").asLong());
        assertEquals(keys.get("active"), keys.get("madeSince"));
        assertEquals(keys.get("active").asInt(), report.get("ranges").size());
        JsonNode first = report.get("ranges").get(0);
        assertEquals("active", first.get("state").asText());
        assertEquals(1, first.get("generation").asInt());
        assertTrue(first.get("encryptedBytes").asLong() >= 4096, first.toString());
        assertTrue(first.get("encryptedBytes").asLong() <= 1 << 20, first.toString());
    }

    private Daemon serve() throws Exception {
        return Daemon.start(new Cli(directory).configuration("path: ./d.bsl, key-file: ./d.key"));
    }

    /** Ages go on meanwhile. */
    private static String withoutAges(String text) {
        return text.replaceAll("\"(oldest|median)AgeSeconds\" : \\d+", "").replaceAll("\\d+ min", "");
    }

    private void createWithData() throws Exception {
        run(ExitCode.OK, "create", "./d.bsl", "--size", "256M", "--key-file", "./d.key");
        byte[] image = new byte[1 << 20];
        image[4096] = 1;
        Files.write(directory.resolve("image"), image);
        run(ExitCode.OK, "import", "./image", "./d.bsl", "--key-file", "./d.key");
    }

    private String ofDaemon(String... more) {
        return run(ExitCode.OK, with(more, "--control", "./c.sock")).out();
    }

    private static String[] with(String[] words, String... more) {
        return Stream.of(words, more).flatMap(Arrays::stream).toArray(String[]::new);
    }

    @Test
    void theDaemonTellsWhatTheDiskTellsAndNeedsNoKey() throws Exception {
        createWithData();
        String json;
        String text;
        String[] words = {"info", "./d.bsl", "--ranges", "--since", "2020-01-01"};
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            json = ofDaemon(with(words, "--json"));
            text = ofDaemon(words);
            assertEquals(withoutAges(text), withoutAges(ofDaemon(with(words, "--key-file", "./d.key"))));
            run(ExitCode.OK, "create", "./o.bsl", "--size", "64M", "--key-file", "./o.key");
            run(ExitCode.WRONG_KEY, with(words, "--key-file", "./o.key", "--control", "./c.sock"));
        }
        String[] disk = with(words, "--key-file", "./d.key");
        assertEquals(withoutAges(run(ExitCode.OK, with(disk, "--json")).out()), withoutAges(json));
        assertEquals(withoutAges(run(ExitCode.OK, disk).out()), withoutAges(text));
        assertTrue(text.contains("0 lost (verified)"), text);
    }

    @Test
    void theDaemonTellsWhatBecameOfARangeAlsoWhileItIsLocked() throws Exception {
        createWithData();
        String[] words = {"info", "d", "--ranges"};
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            ofDaemon("shred", "d", "--range", "0");
            String shredded = ofDaemon(words);
            assertTrue(shredded.contains("1 shredded, 0 lost (verified)"), shredded);
            ofDaemon("lock", "d");
            assertEquals(withoutAges(shredded), withoutAges(ofDaemon(words)));
        }
    }

    @Test
    void refusesWhatMakesNoSense() {
        run(ExitCode.OK, "create", "./d.bsl", "--size", "64M", "--key-file", "./d.key");
        run(ExitCode.OK, "create", "./e.bsl", "--size", "64M", "--key-file", "./e.key");
        assertTrue(run(ExitCode.USAGE, "info", "./d.bsl", "--since", "2026-01-01")
                .err()
                .contains("are for --ranges"));
        run(ExitCode.USAGE, "info", "./d.bsl", "--ranges", "--since", "yesterday");
        run(ExitCode.WRONG_KEY, "info", "./d.bsl", "--ranges", "--key-file", "./e.key");
        assertTrue(run(ExitCode.OK, "info", "./d.bsl", "--ranges").out().contains("0 active, 1 none"));
    }
}
