package io.blockseal.app.desk;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.admin.KeyHealth;
import io.blockseal.admin.KeyHealth.Service;
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
    private static final String NOT_ASKED = "the volume is locked, and its source not asked meanwhile";
    private static final String OVER = "revoked, and the time of grace is over";

    private KeyStatusText() {}

    /** A line that goes under the volume's own, or nothing if there is nothing to tell. */
    static String of(KeyHealth key, OnRevocation then, Instant now) {
        boolean locked = key.service() == Service.LOCKED;
        String how =
                switch (key.standing()) {
                    case KeyHealth.AWAITED -> "the volume waits for its key, which is asked for again";
                    case KeyHealth.GIVEN_UP ->
                        "the volume does not fit its configuration, and is not tried again before that is mended and loaded"
                                + " again";
                    case "in-doubt" ->
                        "in doubt, " + given(key) + "; " + (locked ? NOT_ASKED : "the volume is served on");
                    case "refused" ->
                        "refused " + times(key.refusals()) + ", " + given(key) + "; that is no revocation yet"
                                + (locked ? "; " + NOT_ASKED : "");
                    case "grace" ->
                        locked ? lockedInGrace(key, then, now) : "revoked; served until " + next(key, then, now);
                    case "revoked" -> OVER + revoked(key.service(), then);
                    default -> "";
                };
        if (how.isEmpty()) {
            return "";
        }
        return "  key: " + how + (key.why().isEmpty() ? "" : ": " + key.why().replaceAll("\\s*\\R\\s*", " ")) + "\n";
    }

    private static String lockedInGrace(KeyHealth key, OnRevocation then, Instant now) {
        return key.graceSecondsLeft() > 0
                ? "revoked; " + NOT_ASKED + "; unlocked, it is served until " + next(key, then, now)
                : OVER + "; " + NOT_ASKED + "; unlocked, it is soon: " + word(then);
    }

    private static String next(KeyHealth key, OnRevocation then, Instant now) {
        return end(key, now) + ", then " + word(then);
    }

    private static String revoked(Service service, OnRevocation then) {
        return switch (service) {
            case ON -> (then == OnRevocation.CONTINUE ? ": " : "; about to be locked: ") + word(then);
            case ENDED -> ": " + word(then);
            case LOCKED -> "; an operator has locked the volume, and unlocks it";
            case OVERRULED -> "; served on, as an operator has unlocked the volume by another key";
        };
    }

    /** The field {@code key}; docs/control.md, "The key of a volume", says which fields it has when. */
    static void write(JsonGenerator json, KeyHealth key, OnRevocation then, Instant now) throws IOException {
        json.writeObjectFieldStart("key");
        json.writeStringField("standing", key.standing());
        if (!key.isWell()) {
            if (key.wasGiven()) {
                json.writeNumberField("verifiedSecondsAgo", Math.round(key.verifiedSecondsAgo()));
                json.writeNumberField("refusals", key.refusals());
                json.writeStringField("service", key.service().name().toLowerCase(Locale.ROOT));
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

    private static String given(KeyHealth key) {
        return "last given " + Math.round(key.verifiedSecondsAgo()) + " s ago";
    }

    private static String times(int count) {
        return count == 1 ? "once" : count + " times";
    }

    private static String word(OnRevocation then) {
        return then.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
