package io.blockseal.keysource.azure;

import io.blockseal.keysource.json.KeyReply;
import java.io.IOException;
import java.time.Instant;

/**
 * What a vault takes for proof of who we are.
 *
 * @param value goes into a header field of HTTP, hence a String; it opens no volume without the vault, and not for long
 * @param lifeMillis how long it is good from now on
 */
record AccessToken(String value, long lifeMillis) {
    private static final long LIFE_SECONDS_MAX = 86_400;
    /** Who does not say is asked again soon. */
    private static final long LIFE_SECONDS_UNKNOWN = 300;

    private static final String SECONDS = "\\d{1,12}";

    /** The token in an answer; Azure's services say in two ways how long it is good, as a time or as a moment. */
    static AccessToken of(KeyReply reply) throws IOException {
        String value = reply.require("access_token");
        if (value.isEmpty() || !value.matches("[\\x21-\\x7e]+")) {
            throw new IOException("its 'access_token' is none");
        }
        long seconds = LIFE_SECONDS_UNKNOWN;
        if (reply.textOrEmpty("expires_in").matches(SECONDS)) {
            seconds = Long.parseLong(reply.require("expires_in"));
        } else if (reply.textOrEmpty("expires_on").matches(SECONDS)) {
            seconds =
                    Long.parseLong(reply.require("expires_on")) - Instant.now().getEpochSecond();
        }
        return new AccessToken(value, 1000 * Math.max(0, Math.min(seconds, LIFE_SECONDS_MAX)));
    }

    /** Without the token. */
    @Override
    public String toString() {
        return "token for " + lifeMillis + " ms";
    }
}
