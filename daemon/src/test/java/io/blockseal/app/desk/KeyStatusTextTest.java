package io.blockseal.app.desk;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.admin.KeyHealth;
import io.blockseal.app.console.JsonText;
import io.blockseal.config.KeyCheck.OnRevocation;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an operator reads of a key that is not given any more, before the volume is gone. */
class KeyStatusTextTest {
    private static final Instant NOW = Instant.parse("2026-11-27T03:04:05Z");

    private static KeyHealth key(String standing, int refusals, double left) {
        return new KeyHealth(standing, 312.4, refusals, left, "kms says: no\n  Ask it.");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        awaited  | 0 | the volume waits for its key, which is asked for again
        in-doubt | 0 | in doubt, last given 312 s ago; the volume is served on
        refused  | 1 | refused once, last given 312 s ago; that is no revocation yet
        refused  | 2 | refused 2 times, last given 312 s ago; that is no revocation yet
        grace    | 3 | revoked; served until 2026-11-27T03:14:05Z, then fail-io
        revoked  | 9 | revoked, and the time of grace is over: fail-io
        """)
    void saysWhatBecomesOfTheVolumeAndWhy(String standing, int refusals, String words) {
        assertEquals(
                "  key: " + words + ": kms says: no Ask it.\n",
                KeyStatusText.of(key(standing, refusals, 600), OnRevocation.FAIL_IO, NOW));
    }

    @ParameterizedTest
    @ValueSource(strings = {"good", KeyHealth.UNWATCHED})
    void saysNothingOfAKeyThatIsWell(String standing) {
        assertEquals("", KeyStatusText.of(new KeyHealth(standing, 1, 0, 0, ""), OnRevocation.FREEZE, NOW));
        assertEquals("{\"key\":{\"standing\":\"" + standing + "\"}}", json(new KeyHealth(standing, 1, 0, 0, "")));
    }

    @Test
    void saysTheSameToPrograms() {
        assertEquals(
                "{'key':{'standing':'grace','verifiedSecondsAgo':312,'refusals':3,'onRevocation':'freeze',"
                        + "'graceUntil':'2026-11-27T03:14:05Z','why':'kms says: no\\n  Ask it.'}}",
                json(key("grace", 3, 600)).replace('"', '\''));
        assertEquals(
                "{'key':{'standing':'awaited','why':'kms says: no\\n  Ask it.'}}",
                json(key(KeyHealth.AWAITED, 0, 0)).replace('"', '\''));
    }

    private static String json(KeyHealth key) {
        return JsonText.of(json -> KeyStatusText.write(json, key, OnRevocation.FREEZE, NOW))
                .replaceAll("\\s*\\R\\s*", "")
                .replaceAll("\"\\s*:\\s*", "\":");
    }
}
