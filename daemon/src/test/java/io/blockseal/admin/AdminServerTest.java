package io.blockseal.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Speaks HTTP by hand, so that what is on the wire is what is tested. */
@Timeout(60)
class AdminServerTest {
    private final AtomicInteger rendered = new AtomicInteger();
    private final AtomicBoolean broken = new AtomicBoolean();
    private final List<ExportHealth> exports = new ArrayList<>();
    private final AtomicBoolean serving = new AtomicBoolean();
    private AdminServer server;

    @BeforeEach
    void start() throws IOException {
        HealthPages health = new HealthPages(serving::get, () -> exports);
        server = AdminServer.start(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                Map.of("/healthz", health::alive, "/readyz", health::ready, "/large", this::large));
    }

    private AdminPage.Answer large() {
        if (broken.get()) {
            throw new IllegalStateException("secret details");
        }
        rendered.incrementAndGet();
        return AdminPage.Answer.text(200, "x".repeat(1 << 20));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void answersThatItIsAlive() throws IOException {
        String answer = ask("GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        assertTrue(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
        assertTrue(answer.endsWith("\r\n\r\n{\"status\":\"ok\"}\n"), answer);
        assertTrue(answer.contains("content-type: application/json"), answer);
        assertTrue(answer.contains("cache-control: no-store"), answer);
    }

    @Test
    void isReadyOnlyWhenEveryVolumeIsOpenAndClientsAreLetIn() throws IOException {
        exports.add(new ExportHealth("a", "open", 1, 0, 0, 0));
        exports.add(new ExportHealth("b \"q\"", "opening", 0, 0, 0, 0));
        serving.set(true);
        String answer = get("/readyz");
        assertTrue(answer.startsWith("HTTP/1.1 503 "), answer);
        assertTrue(
                answer.endsWith("{\"ready\":false,\"exports\":[{\"name\":\"a\",\"state\":\"open\",\"ready\":true},"
                        + "{\"name\":\"b \\\"q\\\"\",\"state\":\"opening\",\"ready\":false}]}\n"),
                answer);

        exports.set(1, new ExportHealth("b", "open", 1, 0, 0, 0));
        assertTrue(get("/readyz").startsWith("HTTP/1.1 200 "));

        exports.add(new ExportHealth("c", ExportHealth.ERASED, 0, 0, 0, 0));
        answer = get("/readyz");
        assertTrue(answer.startsWith("HTTP/1.1 200 "), "a restart would not bring an erased volume back");
        assertTrue(answer.contains("{\"name\":\"c\",\"state\":\"erased\",\"ready\":false}"), answer);

        serving.set(false);
        assertTrue(get("/readyz").startsWith("HTTP/1.1 503 "), "a daemon that drains takes no new clients");
    }

    /** Whoever is called at night learns here which of many volumes it is, and why. */
    @Test
    void saysWhichVolumeHasNoKeyAndWhy() throws IOException {
        exports.add(new ExportHealth("near", "open", 1, 0, 0, 0));
        exports.add(ExportHealth.unopened("far", KeyHealth.unopened(KeyHealth.AWAITED, "the vault is sealed")));
        serving.set(true);
        String answer = get("/readyz");
        assertTrue(answer.startsWith("HTTP/1.1 503 "), answer);
        assertTrue(answer.contains("{\"name\":\"near\",\"state\":\"open\",\"ready\":true}"), answer);
        assertTrue(
                answer.contains("{\"name\":\"far\",\"state\":\"opening\",\"ready\":false,\"key\":\"awaited\","
                        + "\"why\":\"the vault is sealed\"}"),
                answer);
    }

    @Test
    void answersHeadWithTheLengthAndNoBody() throws IOException {
        String answer = ask("HEAD /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        assertTrue(answer.contains("content-length: 1048576\r\n"), answer);
        assertTrue(answer.endsWith("\r\n\r\n"), answer);
    }

    @Test
    void refusesUnknownPagesAndOtherMethods() throws IOException {
        assertTrue(get("/secret").startsWith("HTTP/1.1 404 "));
        assertTrue(get("/secret").contains("/healthz, /large, /readyz"));
        assertTrue(get("/healthz?verbose=1").startsWith("HTTP/1.1 200 "));
        for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS", "PATCH")) {
            String answer = ask(method + " /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
            assertTrue(answer.startsWith("HTTP/1.1 405 "), answer);
            assertTrue(answer.contains("allow: GET, HEAD\r\n"), answer);
        }
    }

    @Test
    void boundsWhatARequestMayContain() throws IOException {
        assertTrue(get("/" + "x".repeat(3000)).startsWith("HTTP/1.1 414 "));
        assertTrue(ask("GET / HTTP/1.1\r\nA: " + "x".repeat(9000) + "\r\n\r\n").startsWith("HTTP/1.1 431 "));
        assertTrue(
                ask("GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello").startsWith("HTTP/1.1 413 "));
        assertTrue(ask("GET /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
                .startsWith("HTTP/1.1 413 "));
        assertTrue(ask("NBDMAGIC\0\0\0\0\r\n\r\n").startsWith("HTTP/1.1 400 "));
    }

    @Test
    void keepsAConnectionForTheNextRequestAndAnswersPipelinedOnesInOrder() throws IOException {
        String one = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
        String answer = ask(one + one + "GET /nope HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        assertEquals(2, answer.split("HTTP/1.1 200 OK", -1).length - 1, answer);
        assertTrue(answer.indexOf("404") > answer.lastIndexOf("200 OK"), answer);
    }

    @Test
    void makesNoAnswersAheadForAClientThatDoesNotReadThem() throws IOException {
        int requests = 40;
        byte[] burst = "GET /large HTTP/1.1\r\nHost: h\r\n\r\n".repeat(requests).getBytes(StandardCharsets.ISO_8859_1);
        try (Socket socket = connect()) {
            socket.getOutputStream().write(burst);
            while (rendered.get() == 0) {
                Thread.onSpinWait();
            }
            // One loop serves everybody: when it has served others, it has done with the burst what it will do at once.
            for (int i = 0; i < 20; i++) {
                assertTrue(get("/healthz").startsWith("HTTP/1.1 200 "));
            }
            // What the system's buffers take, and one.
            assertTrue(rendered.get() < requests / 2, rendered + " answers of 1 MiB were made ahead");
            byte[] answers = socket.getInputStream().readNBytes(requests << 20);
            assertEquals(requests << 20, answers.length);
            assertEquals(requests, rendered.get());
        }
    }

    @Test
    void tellsAClientNothingOfWhyAPageFailed() throws IOException {
        broken.set(true);
        String answer = get("/large");
        assertTrue(answer.startsWith("HTTP/1.1 500 "), answer);
        assertFalse(answer.contains("secret"), answer);
    }

    @Test
    void turnsAwayMoreClientsThanItHasRoomForAndRecovers() throws IOException {
        List<Socket> idle = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            idle.add(connect());
        }
        int turnedAway = 0;
        for (Socket socket : idle.subList(32, 40)) {
            turnedAway += socket.getInputStream().read() < 0 ? 1 : 0;
        }
        assertEquals(8, turnedAway);
        for (Socket socket : idle) {
            socket.close();
        }
        String answer = "";
        while (answer.isEmpty()) { // The server needs a moment to notice; the timeout ends a server that never does.
            answer = get("/healthz");
        }
        assertTrue(answer.startsWith("HTTP/1.1 200 "), answer);
    }

    @Test
    void namesAnAddressThatIsTaken() {
        IOException thrown = assertThrows(IOException.class, () -> AdminServer.start(server.address(), Map.of()));
        assertTrue(thrown.getMessage().contains("in use"), thrown.getMessage());
    }

    private String get(String path) throws IOException {
        return ask("GET " + path + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    }

    private String ask(String request) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return read(socket.getInputStream());
        } catch (java.net.SocketException cutOff) {
            return "";
        }
    }

    private static String read(InputStream in) throws IOException {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }

    private Socket connect() throws IOException {
        Socket socket =
                new Socket(server.address().getAddress(), server.address().getPort());
        socket.setSoTimeout(20_000);
        return socket;
    }
}
