package io.blockseal.keysource.rest;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.blockseal.keysource.Premises.Trouble;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * An HTTPS server on loopback that stands for a key source's, and misbehaves when told to; what the answers mean is its
 * handler's business. Its certificate is signed by itself.
 */
public final class RestStub implements AutoCloseable {
    /** Answers a question. From several threads at once. */
    @FunctionalInterface
    public interface Handler {
        /** The answer. */
        Reply answer(Ask ask) throws Exception;
    }

    /**
     * A question.
     *
     * @param method of HTTP
     * @param path without the query
     * @param query decoded
     * @param headers by name in lower case; the first of each
     * @param body all of it
     */
    public record Ask(String method, String path, Map<String, String> query, Map<String, String> headers, byte[] body) {
        /** A header field, or an empty text. */
        public String header(String name) {
            return headers.getOrDefault(name.toLowerCase(Locale.ROOT), "");
        }
    }

    /** An answer. */
    public record Reply(int status, Map<String, String> headers, byte[] body) {
        /** JSON. */
        public static Reply json(int status, String json) {
            return new Reply(status, Map.of("Content-Type", "application/json"), json.getBytes(StandardCharsets.UTF_8));
        }

        /** The same with a header field more. */
        public Reply with(String name, String value) {
            Map<String, String> more = new HashMap<>(headers);
            more.put(name, value);
            return new Reply(status, more, body);
        }
    }

    static {
        // Header and body go out in two pieces, and without this the second waits 40 ms for the first one's receipt.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private final HttpsServer server;
    private final ExecutorService threads;
    private final Handler handler;
    private final TestCertificate certificate;
    private final AtomicReference<Trouble> trouble = new AtomicReference<>(Trouble.NONE);
    private final AtomicInteger calls = new AtomicInteger();
    /** Exchanges that were told to be silent wait for the end. */
    private final CountDownLatch over = new CountDownLatch(1);

    private RestStub(Handler handler) throws Exception {
        this.handler = handler;
        this.certificate = TestCertificate.forLocalhost();
        this.threads = Executors.newCachedThreadPool();
        this.server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 64);
        server.setHttpsConfigurator(new HttpsConfigurator(certificate.context()));
        server.setExecutor(threads);
        server.createContext("/", this::serve);
        server.start();
    }

    /** Starts one. */
    public static RestStub start(Handler handler) throws Exception {
        return new RestStub(handler);
    }

    /** Where it is. */
    public String url() {
        return "https://localhost:" + server.getAddress().getPort();
    }

    /** Its certificate in PEM, for {@code ca-file}. */
    public Path caFile() {
        return certificate.pem();
    }

    /** Misbehaves that way from now on, or once. */
    public void have(Trouble wanted) {
        trouble.set(wanted);
    }

    /** What it was told. */
    public Trouble trouble() {
        return trouble.get();
    }

    /** How many questions came in. */
    public int calls() {
        return calls.get();
    }

    private void serve(HttpExchange exchange) throws IOException {
        calls.incrementAndGet();
        try (exchange) {
            byte[] body = exchange.getRequestBody().readAllBytes();
            switch (trouble.get()) {
                case SILENT -> await();
                case HALF_AN_ANSWER -> {
                    exchange.sendResponseHeaders(200, 1000);
                    exchange.getResponseBody().write('{');
                    exchange.getResponseBody().flush();
                    await();
                }
                case HANGS_UP -> {
                    // Without an answer the server closes the connection.
                    return;
                }
                case BROKEN -> send(exchange, Reply.json(500, "{\"error\":\"out of luck\"}"));
                case BROKEN_ONCE -> {
                    trouble.set(Trouble.NONE);
                    send(exchange, Reply.json(503, "{}"));
                }
                case THROTTLED -> send(exchange, Reply.json(429, "{}").with("Retry-After", "1"));
                case THROTTLED_ONCE -> {
                    trouble.set(Trouble.NONE);
                    send(exchange, Reply.json(429, "{}").with("Retry-After", "0"));
                }
                case NONSENSE -> send(exchange, Reply.json(200, "hello"));
                default -> send(exchange, answer(exchange, body));
            }
        }
    }

    private Reply answer(HttpExchange exchange, byte[] body) {
        Map<String, String> headers = new HashMap<>();
        exchange.getRequestHeaders()
                .forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values.get(0)));
        Ask ask = new Ask(
                exchange.getRequestMethod(),
                exchange.getRequestURI().getPath(),
                form(exchange.getRequestURI().getRawQuery()),
                headers,
                body);
        try {
            return handler.answer(ask);
        } catch (Exception broken) {
            broken.printStackTrace();
            return Reply.json(500, "{\"stub\":\"" + broken.getClass().getSimpleName() + "\"}");
        }
    }

    /** A query or a form, taken apart. */
    public static Map<String, String> form(String text) {
        Map<String, String> fields = new HashMap<>();
        if (text != null && !text.isEmpty()) {
            for (String pair : text.split("&")) {
                int equals = pair.indexOf('=');
                fields.put(
                        URLDecoder.decode(pair.substring(0, equals), StandardCharsets.UTF_8),
                        URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        return fields;
    }

    private void await() {
        try {
            over.await();
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    private static void send(HttpExchange exchange, Reply reply) throws IOException {
        reply.headers().forEach((name, value) -> exchange.getResponseHeaders().set(name, value));
        exchange.sendResponseHeaders(reply.status(), reply.body().length == 0 ? -1 : reply.body().length);
        if (reply.body().length > 0) {
            exchange.getResponseBody().write(reply.body());
        }
    }

    @Override
    public void close() throws IOException {
        over.countDown();
        server.stop(0);
        threads.shutdownNow();
    }
}
