package io.blockseal.keysource.azure;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;

/** What gives out tokens beside a machine, without TLS as there; it answers as told and keeps what it was asked. */
final class TokenServiceStub implements AutoCloseable {
    /** A question. */
    record Asked(String path, Map<String, String> query, Map<String, String> form, Map<String, List<String>> headers) {
        String header(String name) {
            List<String> values = headers.get(name);
            return values == null ? null : values.get(0);
        }
    }

    private final HttpServer server;
    private final Queue<Reply> replies = new ConcurrentLinkedQueue<>();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();

    TokenServiceStub() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::serve);
        server.start();
    }

    /** Where it is. */
    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Answers so, once, after what it was told before. */
    TokenServiceStub answer(int status, String json) {
        return answer(Reply.json(status, json));
    }

    TokenServiceStub answer(Reply reply) {
        replies.add(reply);
        return this;
    }

    /** The last question. */
    Asked last() {
        return asked.get(asked.size() - 1);
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            String body = new String(exchange.getRequestBody().readAllBytes());
            asked.add(new Asked(
                    exchange.getRequestURI().getPath(),
                    RestStub.form(exchange.getRequestURI().getRawQuery()),
                    RestStub.form(body),
                    Map.copyOf(exchange.getRequestHeaders())));
            Reply reply = replies.remove();
            reply.headers().forEach(exchange.getResponseHeaders()::set);
            exchange.sendResponseHeaders(reply.status(), reply.body().length);
            exchange.getResponseBody().write(reply.body());
        }
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
