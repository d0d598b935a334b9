package io.blockseal.keysource.rest;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.SourceUri;
import java.net.InetSocketAddress;
import java.net.ProxySelector;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How servers are spoken to: whom to trust ({@code ca-file}, else the system's authorities), who we are
 * ({@code client-cert-file}, {@code client-key-file}), through which {@code proxy}, and within which time
 * ({@code timeout-seconds}).
 *
 * @param http what speaks
 * @param answerWithin how long one request may take
 */
public record RestConnection(HttpClient http, Duration answerWithin) {
    private static final String KEEP_ALIVE = "jdk.httpclient.keepalive.timeout";
    private static final int KEEP_ALIVE_SECONDS = 10;

    static {
        // An idle connection keeps what was sent and received last in buffers that are not ours to wipe, a key or a
        // token among it; by default it does so for 20 minutes.
        if (System.getProperty(KEEP_ALIVE) == null) {
            System.setProperty(KEEP_ALIVE, Integer.toString(KEEP_ALIVE_SECONDS));
        }
    }

    /** The connection that the options of a place ask for; reads the files that they name. */
    public static RestConnection of(SourceUri uri) throws KeySourceException {
        int seconds = uri.number("timeout-seconds", 10, 1, 300);
        HttpClient.Builder builder = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(Duration.ofSeconds(Math.min(seconds, 5)));
        Path authorities = uri.path("ca-file");
        Path certificate = uri.path("client-cert-file");
        Path key = uri.path("client-key-file");
        if ((certificate == null) != (key == null)) {
            throw uri.wrong("has one of client-cert-file and client-key-file, and needs both or none");
        }
        if (authorities != null || certificate != null) {
            builder.sslContext(TlsFiles.context(authorities, certificate, key));
        }
        InetSocketAddress proxy = proxy(uri);
        if (proxy != null) {
            builder.proxy(ProxySelector.of(proxy));
        }
        return new RestConnection(builder.build(), Duration.ofSeconds(seconds));
    }

    private static @Nullable InetSocketAddress proxy(SourceUri uri) throws KeySourceException {
        String text = uri.text("proxy");
        if (text == null) {
            return null;
        }
        int colon = text.lastIndexOf(':');
        if (colon < 1 || !text.substring(colon + 1).matches("[1-9]\\d{0,4}")) {
            throw uri.wrong("has proxy=" + text + ", which is not HOST:PORT");
        }
        return InetSocketAddress.createUnresolved(
                text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
    }
}
