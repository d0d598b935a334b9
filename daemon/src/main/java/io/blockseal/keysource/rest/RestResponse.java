package io.blockseal.keysource.rest;

import java.net.http.HttpHeaders;
import java.util.Arrays;

/**
 * What was answered, however unwelcome. Closing it wipes the body.
 *
 * @param status of HTTP
 * @param headers of the answer
 * @param body all of it, at most {@link RestClient#BODY_BYTES_MAX} bytes
 */
public record RestResponse(int status, HttpHeaders headers, byte[] body) implements AutoCloseable {
    /** A header field, or an empty text. */
    public String header(String name) {
        return headers.firstValue(name).orElse("");
    }

    /** Whether what was asked for was done. */
    public boolean isOk() {
        return status >= 200 && status < 300;
    }

    @Override
    public void close() {
        Arrays.fill(body, (byte) 0);
    }

    /** Without the body, which may be secret. */
    @Override
    public String toString() {
        return "HTTP " + status;
    }
}
