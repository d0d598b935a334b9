package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.net.URI;

/** What a service that gives out tokens has answered. */
final class TokenAnswer {
    private TokenAnswer() {}

    /** The token, or what is wrong. Wipes the answer. */
    static AccessToken take(URI asked, RestResponse response) throws KeySourceException {
        try (response) {
            if (!response.isOk()) {
                throw new KeySourceException(kind(response.status()), words(asked, response));
            }
            return AccessToken.of(KeyReply.of(response.body()));
        } catch (IOException malformed) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    asked.getAuthority() + " has answered something else than a token: " + malformed.getMessage(),
                    malformed);
        }
    }

    private static Kind kind(int status) {
        return switch (status) {
            case 429 -> Kind.THROTTLED;
            // 404 is what the metadata service of a machine says while it is being brought up to date.
            case 400, 405 -> Kind.MISCONFIGURED;
            default -> Kind.UNREACHABLE;
        };
    }

    private static String words(URI asked, RestResponse response) {
        String why = "";
        try (KeyReply reply = KeyReply.of(response.body())) {
            // The first line says it; the rest numbers the request for Microsoft's support.
            String words = reply.textOrEmpty("error") + " "
                    + reply.textOrEmpty("error_description").lines().findFirst().orElse("");
            why = words.isBlank() ? "" : ": " + ServiceWords.printable(words);
        } catch (IOException silent) {
            // The status has to do.
        }
        return asked.getAuthority() + " gives no token (HTTP " + response.status() + ")" + why;
    }
}
