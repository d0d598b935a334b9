package io.blockseal.keysource.vault;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestRequest;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One Vault or OpenBao server, and what its answers mean. From any thread. */
final class VaultServer {
    /** What stands for an empty list of errors. */
    static final String NO_WORDS = "no reason given";

    private static final int WORDS_MAX = 300;
    /** How each answer begins that is an error: a list of texts, perhaps without any. */
    private static final Pattern ITS_WORDS = Pattern.compile("\\s*\\{\\s*\"errors\"\\s*:\\s*\\[\\s*[\"\\]]");

    private final RestClient http;
    private final URI base;
    private final String namespace;

    /** The server at {@code base}, without a path; in no namespace if that is empty. */
    VaultServer(RestClient http, URI base, String namespace) {
        this.http = http;
        this.base = base;
        this.namespace = namespace;
    }

    /** The server's name and port, as messages have it. */
    String name() {
        return base.getAuthority();
    }

    /** Asks; the caller closes the answer. */
    RestResponse send(String method, String path, byte @Nullable [] body, @Nullable String token)
            throws KeySourceException {
        RestRequest request = new RestRequest(method, base.resolve("/v1/" + path), Map.of(), body)
                // An agent or proxy may insist on it, as a browser could not be made to send it.
                .with("X-Vault-Request", "true");
        if (body != null) {
            request = request.with("Content-Type", "application/json");
        }
        if (!namespace.isEmpty()) {
            request = request.with("X-Vault-Namespace", namespace);
        }
        if (token != null) {
            request = request.with("X-Vault-Token", token);
        }
        return http.send(request);
    }

    /**
     * What kept us from {@code doing} something, by the status and the server's own words. Never REFUSED: what an answer says
     * of a key is the business of whoever asked about one.
     */
    KeySourceException trouble(String doing, RestResponse answer) {
        String words = words(answer);
        String lower = words.toLowerCase(Locale.ROOT);
        String where = name() + ", " + doing + ": ";
        return switch (answer.status()) {
            case 301, 302, 303, 307, 308 ->
                new KeySourceException(
                        Kind.UNREACHABLE,
                        where + "it is a standby and sends us to another server, which we follow only if we are told"
                                + " its name: write the address of the active server, or of what stands before all");
            case 401 -> new KeySourceException(Kind.UNREACHABLE, where + "it does not know who we are: " + words);
            case 403 ->
                new KeySourceException(
                        Kind.UNREACHABLE,
                        where
                                + (isInItsWords(answer)
                                        ? "it does not take our token: " + words
                                        : "HTTP 403, and not in the words of a Vault server: what stands before it?"));
            case 404 -> notFound(where, lower, words, answer);
            case 412, 472, 473 -> standby(where, answer, words);
            case 429 ->
                words.contains("standby")
                        ? standby(where, answer, words)
                        : new KeySourceException(Kind.THROTTLED, where + "too many requests: " + words);
            case 501, 503 ->
                new KeySourceException(
                        Kind.UNREACHABLE,
                        where + "it is "
                                + (lower.contains("sealed") ? "sealed. Unseal it" : "not in service: " + words));
            default ->
                new KeySourceException(
                        answer.status() >= 500 || answer.status() == 408 || answer.status() == 425
                                ? Kind.UNREACHABLE
                                : Kind.MISCONFIGURED,
                        where + "HTTP " + answer.status() + ": " + words);
        };
    }

    private static KeySourceException standby(String where, RestResponse answer, String words) {
        return new KeySourceException(
                Kind.UNREACHABLE,
                where + "it is a standby that cannot answer now (HTTP " + answer.status() + "): " + words);
    }

    private static KeySourceException notFound(String where, String lower, String words, RestResponse answer) {
        if (lower.contains("route") || lower.contains("unsupported path") || lower.contains("namespace")) {
            return new KeySourceException(
                    Kind.MISCONFIGURED, where + words + ". Check the mount path and the namespace");
        }
        String whose = isInItsWords(answer) ? ": " + words : ", and not in the words of a Vault server";
        return new KeySourceException(Kind.MISCONFIGURED, where + "HTTP 404" + whose);
    }

    /** Whether a Vault server says so, and not a proxy before it, which knows nothing of keys and tokens. */
    static boolean isInItsWords(RestResponse answer) {
        return ITS_WORDS
                .matcher(new String(answer.body(), StandardCharsets.UTF_8))
                .lookingAt();
    }

    KeySourceException malformed(IOException what) {
        return new KeySourceException(
                Kind.MISCONFIGURED,
                name() + " has answered something else than was asked for: " + what.getMessage()
                        + ". Is it a Vault or OpenBao server?");
    }

    /** What the server says is wrong, on one line. */
    String words(RestResponse answer) {
        try (KeyReply reply = KeyReply.of(answer.body())) {
            StringBuilder all = new StringBuilder();
            for (int i = 0; reply.text("errors." + i) != null; i++) {
                all.append(i == 0 ? "" : "; ").append(reply.textOrEmpty("errors." + i));
            }
            if (reply.textOrEmpty("standby").equals("true")) {
                all.append("standby");
            }
            if (reply.textOrEmpty("sealed").equals("true")) {
                all.append("sealed");
            }
            String line = all.toString().replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
            return line.isEmpty() ? NO_WORDS : line.substring(0, Math.min(WORDS_MAX, line.length()));
        } catch (IOException notJson) {
            return NO_WORDS;
        }
    }

    /** A whole number, or 0 if it is none. */
    static long number(String text) {
        return text.matches("\\d{1,15}") ? Long.parseLong(text) : 0;
    }
}
