package io.blockseal.keysource.rest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises.Trouble;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Patience with servers, and its end. */
class RestClientTest {
    private static final byte[] BODY = "{\"question\":1}".getBytes(StandardCharsets.UTF_8);

    private final List<Long> pauses = new ArrayList<>();
    private final Backoff.Clock clock = new Backoff.Clock() {
        private long now;

        @Override
        public long nowMillis() {
            return now;
        }

        @Override
        public void pause(long millis) {
            pauses.add(millis);
            now += millis;
        }
    };
    private final Backoff backoff = new Backoff(100, 30_000, 20_000, clock);
    private volatile RestStub.Handler handler = ask -> Reply.json(200, "{}");
    private RestStub stub;

    @BeforeEach
    void start() throws Exception {
        stub = RestStub.start(ask -> handler.answer(ask));
    }

    @AfterEach
    void stop() throws Exception {
        stub.close();
    }

    private RestClient client(String options) throws KeySourceException {
        SourceUri uri = SourceUri.of(KeySourceSpec.parse("x:" + stub.url() + "?timeout-seconds=1" + options));
        RestClient client = new RestClient(RestConnection.of(uri), backoff);
        uri.requireAllTaken();
        return client;
    }

    private RestClient trusting() throws KeySourceException {
        return client("&ca-file=" + stub.caFile());
    }

    private RestRequest post() {
        return RestRequest.post(URI.create(stub.url() + "/a?b=c%20d"), BODY).with("X-Token", "t");
    }

    @Test
    void sendsWhatItIsGivenAndGivesWhatItGets() throws Exception {
        handler = ask -> {
            assertEquals(
                    "POST /a {b=c d} t",
                    ask.method() + " " + ask.path() + " " + ask.query() + " " + ask.header("x-token"));
            assertArrayEquals(BODY, ask.body());
            return Reply.json(201, "{\"ok\":true}").with("X-Id", "7");
        };
        RestResponse response = trusting().send(post());
        assertEquals(201, response.status());
        assertTrue(response.isOk());
        assertEquals("7", response.header("x-id"));
        assertEquals("{\"ok\":true}", new String(response.body(), StandardCharsets.UTF_8));
        response.close();
        assertArrayEquals(new byte[11], response.body());
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 400, 401, 403, 404, 409})
    void acceptsADefiniteAnswerAtOnce(int status) throws Exception {
        handler = ask -> Reply.json(status, "{}").with("Location", "https://elsewhere.invalid/");
        assertEquals(status, trusting().send(post()).status());
        assertEquals(1, stub.calls());
    }

    @ParameterizedTest
    @ValueSource(ints = {408, 425, 429, 500, 502, 503, 504})
    void asksAgainLaterAndLaterUntilTheBudgetIsUsedUp(int status) throws Exception {
        handler = ask -> Reply.json(status, "{}");
        assertEquals(status, trusting().send(post()).status());
        assertEquals(pauses.size() + 1, stub.calls());
        assertTrue(pauses.size() >= 7 && pauses.size() <= 9, pauses::toString);
        for (int i = 0; i < pauses.size(); i++) {
            long step = 100L << i;
            assertTrue(pauses.get(i) >= step / 2 && pauses.get(i) <= step, pauses::toString);
        }
        assertTrue(pauses.stream().mapToLong(Long::longValue).sum() <= 20_000, pauses::toString);
    }

    @Test
    void waitsAsLongAsTheServerAsks() throws Exception {
        AtomicInteger count = new AtomicInteger();
        handler = ask -> switch (count.incrementAndGet()) {
            case 1 -> Reply.json(429, "{}").with("Retry-After", "7");
            case 2 ->
                Reply.json(503, "{}")
                        .with(
                                "Retry-After",
                                DateTimeFormatter.RFC_1123_DATE_TIME.format(
                                        ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(9)));
            default -> Reply.json(200, "{}");
        };
        assertEquals(200, trusting().send(post()).status());
        assertEquals(2, pauses.size());
        assertEquals(7_000, pauses.get(0));
        assertTrue(pauses.get(1) > 5_000 && pauses.get(1) <= 9_000, pauses::toString);
    }

    @Test
    void givesUpAtOnceWhereTheServerAsksForMoreTimeThanThereIs() throws Exception {
        handler = ask -> Reply.json(429, "{}").with("Retry-After", "3600");
        RestClient client = trusting();
        assertEquals(429, client.send(post()).status());
        assertEquals(List.of(), pauses);
        handler = ask -> Reply.json(200, "{}");
        KeySourceException early = assertThrows(KeySourceException.class, () -> client.send(post()));
        assertEquals(Kind.THROTTLED, early.kind());
        assertTrue(early.getMessage().contains("left alone for another 900 s"), early::getMessage);
        assertEquals(1, stub.calls());
        clock.pause(15 * 60_000);
        assertEquals(200, client.send(post()).status());
    }

    @ParameterizedTest
    @EnumSource(
            value = Trouble.class,
            names = {"SILENT", "HALF_AN_ANSWER", "HANGS_UP"})
    void isUnreachableWhereNoAnswerComes(Trouble trouble) throws Exception {
        RestClient impatient = new RestClient(
                RestConnection.of(SourceUri.of(
                        KeySourceSpec.parse("x:" + stub.url() + "?timeout-seconds=1&ca-file=" + stub.caFile()))),
                new Backoff(100, 100, 40, clock));
        stub.have(trouble);
        KeySourceException failed = assertThrows(KeySourceException.class, () -> impatient.send(post()));
        assertEquals(Kind.UNREACHABLE, failed.kind());
        assertTrue(failed.getMessage().startsWith("localhost:"), failed::getMessage);
        assertFalse(failed.getMessage().contains("Exception"), failed::getMessage);
    }

    @Test
    void trustsNobodyItWasNotToldTo() throws Exception {
        KeySourceException failed =
                assertThrows(KeySourceException.class, () -> client("").send(post()));
        assertEquals(Kind.UNREACHABLE, failed.kind());
        assertTrue(failed.getMessage().contains("cannot be trusted"), failed::getMessage);
        assertTrue(failed.getMessage().contains("ca-file="), failed::getMessage);
        assertEquals(List.of(), pauses, "a certificate does not get better by asking again");
        TestCertificate other = TestCertificate.make("elsewhere.test");
        assertThrows(KeySourceException.class, () -> client("&ca-file=" + other.pem())
                .send(post()));
        assertEquals(0, stub.calls());
    }

    @Test
    void trustsACertificateOnlyForItsName() throws Exception {
        String port = stub.url().substring(stub.url().lastIndexOf(':'));
        RestRequest elsewhere = RestRequest.get(URI.create("https://127.0.0.2" + port + "/"));
        KeySourceException failed =
                assertThrows(KeySourceException.class, () -> trusting().send(elsewhere));
        assertTrue(failed.getMessage().contains("127.0.0.2"), failed::getMessage);
        assertEquals(0, stub.calls());
    }

    @Test
    void saysThatNobodyListens() throws Exception {
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        RestRequest request = RestRequest.get(URI.create("https://localhost:" + port + "/"));
        KeySourceException failed =
                assertThrows(KeySourceException.class, () -> trusting().send(request));
        assertEquals(Kind.UNREACHABLE, failed.kind());
        assertTrue(failed.getMessage().contains("refuses connections"), failed::getMessage);
        assertFalse(pauses.isEmpty());
    }

    @Test
    void takesNoEndlessAnswer() throws Exception {
        handler = ask -> new Reply(200, Map.of(), new byte[RestClient.BODY_BYTES_MAX + 1]);
        KeySourceException failed =
                assertThrows(KeySourceException.class, () -> trusting().send(post()));
        assertTrue(failed.getMessage().contains("more than 1048576 bytes"), failed::getMessage);
    }

    @Test
    void printsNeitherTokenNorBody() {
        assertEquals("POST " + stub.url() + "/a?b=c%20d", post().toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "&client-cert-file=/x",
                "&proxy=nowhere",
                "&proxy=host:0",
                "&ca-file=/does/not/exist",
                "&timeout-seconds=2"
            })
    void refusesOptionsThatCannotBeMeant(String options) {
        KeySourceException failed = assertThrows(KeySourceException.class, () -> client(options));
        assertEquals(Kind.MISCONFIGURED, failed.kind());
    }
}
