package io.blockseal.app.desk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.admin.KeyHealth;
import io.blockseal.admin.KeyHealth.Service;
import io.blockseal.app.console.JsonText;
import io.blockseal.config.KeyCheck.OnRevocation;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an operator reads of a key that is not given any more, before the volume is gone. */
class KeyStatusTextTest {
    private static final Instant NOW = Instant.parse("2026-11-27T03:04:05Z");
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern WORD = Pattern.compile("`([^`]+)`");

    private static KeyHealth key(String standing, int refusals, double left, Service service) {
        return new KeyHealth(standing, 312.4, refusals, left, service, "kms says: no\n  Ask it.");
    }

    private static KeyHealth key(String standing, int refusals, double left) {
        return key(standing, refusals, left, Service.ON);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        awaited  | 0 | the volume waits for its key, which is asked for again
        in-doubt | 0 | in doubt, last given 312 s ago; the volume is served on
        refused  | 1 | refused once, last given 312 s ago; that is no revocation yet
        refused  | 2 | refused 2 times, last given 312 s ago; that is no revocation yet
        grace    | 3 | revoked; served until 2026-11-27T03:14:05Z, then fail-io
        revoked  | 9 | revoked, and the time of grace is over; about to be locked: fail-io
        """)
    void saysWhatBecomesOfTheVolumeAndWhy(String standing, int refusals, String words) {
        assertSays(words, key(standing, refusals, 600), OnRevocation.FAIL_IO);
    }

    private static void assertSays(String words, KeyHealth key, OnRevocation then) {
        assertEquals("  key: " + words + ": kms says: no Ask it.\n", KeyStatusText.of(key, then, NOW));
    }

    @Test
    void promisesNoFurtherTryOfOneThatDoesNotFitItsConfiguration() {
        assertEquals(
                "  key: the volume does not fit its configuration, and is not tried again before that is mended and"
                        + " loaded again: max-bytes-per-key is 1\n",
                KeyStatusText.of(
                        KeyHealth.unopened(KeyHealth.GIVEN_UP, "max-bytes-per-key is 1"), OnRevocation.FREEZE, NOW));
    }

    /** It would be believed: who reads that a volume is served does not look why its guests stand still. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        in-doubt | 0   | in doubt, last given 312 s ago; ~
        refused  | 0   | refused 3 times, last given 312 s ago; that is no revocation yet; ~
        grace    | 600 | revoked; ~; unlocked, it is served until 2026-11-27T03:14:05Z, then freeze
        grace    | 0   | revoked, and the time of grace is over; ~; unlocked, it is soon: freeze
        grace    | -90 | revoked, and the time of grace is over; ~; unlocked, it is soon: freeze
        revoked  | 0   | revoked, and the time of grace is over; an operator has locked the volume, and unlocks it
        """)
    void doesNotSayThatItIsServedWhileAnOperatorHasItLocked(String standing, double left, String words) {
        assertSays(
                words.replace("~", "the volume is locked, and its source not asked meanwhile"),
                key(standing, 3, left, Service.LOCKED),
                OnRevocation.FREEZE);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        ENDED     | FAIL_IO  | : fail-io
        ENDED     | FREEZE   | : freeze
        ON        | CONTINUE | : continue
        ON        | FREEZE   | ; about to be locked: freeze
        OVERRULED | FAIL_IO  | ; served on, as an operator has unlocked the volume by another key
        """)
    void saysWhoseWordCountsAfterTheGrace(Service service, OnRevocation then, String words) {
        assertSays("revoked, and the time of grace is over" + words, key("revoked", 4, 0, service), then);
    }

    @ParameterizedTest
    @ValueSource(strings = {"good", KeyHealth.UNWATCHED})
    void saysNothingOfAKeyThatIsWell(String standing) throws Exception {
        for (Service service : Service.values()) {
            KeyHealth well = new KeyHealth(standing, 1, 0, 0, service, "");
            assertEquals("", KeyStatusText.of(well, OnRevocation.FREEZE, NOW));
            assertEquals("{\"standing\":\"" + standing + "\"}", json(well).toString());
        }
    }

    @Test
    void saysTheSameToPrograms() throws Exception {
        assertEquals(
                "{'standing':'grace','verifiedSecondsAgo':312,'refusals':3,'service':'on','onRevocation':'freeze',"
                        + "'graceUntil':'2026-11-27T03:14:05Z','why':'kms says: no\\n  Ask it.'}",
                json(key("grace", 3, 600)).toString().replace('"', '\''));
        assertEquals(
                "{'standing':'awaited','why':'kms says: no'}",
                json(KeyHealth.unopened(KeyHealth.AWAITED, "kms says: no"))
                        .toString()
                        .replace('"', '\''));
        assertEquals(
                "2026-11-27T03:02:35Z",
                json(key("grace", 3, -90, Service.LOCKED)).get("graceUntil").asText(),
                "it does not move while the volume is locked");
    }

    @Test
    void docsNameTheFieldsOfEveryStandingAndEveryService() throws Exception {
        String page = Files.readString(Path.of("..", "docs", "control.md"));
        String section = page.substring(page.indexOf("\n## The key of a volume"), page.indexOf("\n## Verbs"));
        Map<String, List<String>> documented = new TreeMap<>();
        Map<String, List<String>> written = new TreeMap<>();
        for (List<List<String>> row : rows(section, "`standing`")) {
            row.get(0).forEach(standing -> documented.put(standing, row.get(1)));
        }
        for (String standing : KeyHealth.STANDINGS) {
            List<String> fields = new ArrayList<>();
            json(key(standing, 1, 1)).fieldNames().forEachRemaining(fields::add);
            assertEquals("standing", fields.remove(0));
            written.put(standing, fields);
        }
        assertEquals(written, documented);
        assertEquals(
                Arrays.stream(Service.values())
                        .map(service -> service.name().toLowerCase(Locale.ROOT))
                        .toList(),
                rows(section, "`service`").stream()
                        .map(row -> row.get(0).get(0))
                        .toList());
    }

    /** Of the table whose first heading is that, the words in code, by row and column. */
    private static List<List<List<String>>> rows(String section, String heading) {
        String table = section.substring(section.indexOf("\n| " + heading + " |") + 1);
        return table.lines()
                .takeWhile(line -> line.startsWith("|"))
                .skip(2)
                .map(line -> Arrays.stream(line.substring(1).split("\\|"))
                        .map(cell -> WORD.matcher(cell)
                                .results()
                                .map((MatchResult match) -> match.group(1))
                                .toList())
                        .toList())
                .toList();
    }

    private static JsonNode json(KeyHealth key) throws Exception {
        return JSON.readTree(JsonText.of(json -> KeyStatusText.write(json, key, OnRevocation.FREEZE, NOW)))
                .get("key");
    }
}
