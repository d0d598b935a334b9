package io.blockseal.app.desk;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.admin.KeyHealth;
import io.blockseal.config.KeyCheck.OnRevocation;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How the key of a served volume is, for people and for programs: whether its source would still give it, and if not, what
 * becomes of the volume, and when. Of a key that is well there is nothing to read.
 */
final class KeyStatusText {
    private KeyStatusText() {}

    /** A line that goes under the volume's own, or nothing if there is nothing to tell. */
    static String of(KeyHealth key, OnRevocation then, Instant now) {
        String how =
                switch (key.standing()) {
                    case KeyHealth.AWAITED -> "the volume waits for its key, which is asked for again";
                    case "in-doubt" -> "in doubt, last given " + ago(key) + " ago; the volume is served on";
                    case "refused" ->
                        "refused " + times(key.refusals()) + ", last given " + ago(key)
                                + " ago; that is no revocation yet";
                    case "grace" -> "revoked; served until " + end(key, now) + ", then " + word(then);
                    case "revoked" -> "revoked, and the time of grace is over: " + word(then);
                    default -> "";
                };
        if (how.isEmpty()) {
            return "";
        }
        return "  key: " + how + (key.why().isEmpty() ? "" : ": " + key.why().replaceAll("\\s*\\R\\s*", " ")) + "\n";
    }

    /** The field {@code key}. */
    static void write(JsonGenerator json, KeyHealth key, OnRevocation then, Instant now) throws IOException {
        json.writeObjectFieldStart("key");
        json.writeStringField("standing", key.standing());
        if (!key.isWell()) {
            if (!key.standing().equals(KeyHealth.AWAITED)) {
                json.writeNumberField("verifiedSecondsAgo", Math.round(key.verifiedSecondsAgo()));
                json.writeNumberField("refusals", key.refusals());
                json.writeStringField("onRevocation", word(then));
            }
            Instant end = end(key, now);
            if (end != null) {
                json.writeStringField("graceUntil", end.toString());
            }
            json.writeStringField("why", key.why());
        }
        json.writeEndObject();
    }

    private static @Nullable Instant end(KeyHealth key, Instant now) {
        return key.standing().equals("grace")
                ? now.plusMillis(Math.round(key.graceSecondsLeft() * 1000)).truncatedTo(ChronoUnit.SECONDS)
                : null;
    }

    private static String ago(KeyHealth key) {
        return Math.round(key.verifiedSecondsAgo()) + " s";
    }

    private static String times(int count) {
        return count == 1 ? "once" : count + " times";
    }

    private static String word(OnRevocation then) {
        return then.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
