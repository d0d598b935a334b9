package io.blockseal.keysource.rest;

import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One request. Sending it again does no harm: everything that key sources are asked is of that kind.
 *
 * @param method GET, POST, ...
 * @param uri where to
 * @param headers further header fields; may hold a token, so never log them
 * @param body what is sent, or null; may hold a key, so its maker wipes it
 */
public record RestRequest(String method, URI uri, Map<String, String> headers, byte @Nullable [] body) {
    /** Asks for something. */
    public static RestRequest get(URI uri) {
        return new RestRequest("GET", uri, Map.of(), null);
    }

    /** Sends JSON. */
    public static RestRequest post(URI uri, byte[] json) {
        return new RestRequest("POST", uri, Map.of("Content-Type", "application/json"), json);
    }

    /** Sends a form. */
    public static RestRequest form(URI uri, byte[] form) {
        return new RestRequest("POST", uri, Map.of("Content-Type", "application/x-www-form-urlencoded"), form);
    }

    /** The same with a header field more. */
    public RestRequest with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new RestRequest(method, uri, more, body);
    }

    /** Without headers and body, which may be secret. */
    @Override
    public String toString() {
        return method + " " + uri;
    }
}
