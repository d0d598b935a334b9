package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestRequest;
import io.blockseal.keysource.rest.RestResponse;
import org.jspecify.annotations.Nullable;

/**
 * Asks a vault in our name. The first question of all carries neither token nor key: the vault says for what it wants a
 * token, and only then gets one. From any thread.
 */
final class VaultClient {
    private final String reference;
    private final KeyAddress key;
    private final Challenge challenge;
    private final RestClient rest;
    private final TokenCache tokens;
    private volatile @Nullable String resource;

    /** A client for the vault of one key. */
    VaultClient(String reference, KeyAddress key, Challenge challenge, RestClient rest, TokenCache tokens) {
        this.reference = reference;
        this.key = key;
        this.challenge = challenge;
        this.rest = rest;
        this.tokens = tokens;
    }

    /** The answer, good or not; the caller closes it. */
    RestResponse send(RestRequest request) throws KeySourceException {
        return send(rest, request);
    }

    /** Likewise, with another patience. */
    RestResponse send(RestClient patience, RestRequest request) throws KeySourceException {
        String token = token(resource());
        RestResponse answer = patience.send(request.with("Authorization", "Bearer " + token));
        if (answer.status() != 401) {
            return answer;
        }
        // The token may have been revoked, or the vault may have moved to another tenant.
        tokens.forget(token);
        String wanted;
        try (answer) {
            wanted = challenge.resource(answer);
        }
        if (wanted != null) {
            resource = wanted;
        }
        return patience.send(request.with("Authorization", "Bearer " + token(resource())));
    }

    private String token(String wanted) throws KeySourceException {
        try {
            return tokens.token(wanted);
        } catch (KeySourceException none) {
            throw new KeySourceException(
                    none.kind(), reference + ": no token for " + tokens.words() + ": " + none.getMessage(), none);
        }
    }

    private String resource() throws KeySourceException {
        String known = resource;
        if (known != null) {
            return known;
        }
        try (RestResponse answer = rest.send(RestRequest.get(key.newest()))) {
            if (answer.status() == 429 || answer.status() >= 500) {
                throw VaultTrouble.of(answer).toException(reference);
            }
            String wanted = answer.status() == 401 ? challenge.resource(answer) : null;
            String found = wanted == null ? challenge.guess() : wanted;
            resource = found;
            return found;
        } catch (KeySourceException failed) {
            throw named(failed);
        }
    }

    private KeySourceException named(KeySourceException failed) {
        String message = String.valueOf(failed.getMessage());
        Kind kind = failed.kind();
        return message.startsWith(reference)
                ? failed
                : new KeySourceException(kind, reference + ": " + message, failed);
    }
}
