package io.blockseal.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.job.Job;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobMemory;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.JobRefusedException;
import io.blockseal.job.JobRequest;
import io.blockseal.job.Jobs;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ControlServerTest {
    private static final int OWN = 4711;
    private static final int STRANGER = 4712;

    /** Says back what was asked for. */
    private final class Echo implements ControlTarget {
        final List<String> audited = new CopyOnWriteArrayList<>();

        @Override
        public JobOutcome volumes() {
            return JobOutcome.done("db\n", "{\"volumes\":[\"db\"]}\n");
        }

        @Override
        public CompletableFuture<ControlAnswer> call(
                String volume, String verb, Arguments arguments, Caller caller, boolean acts) {
            String said = volume + " " + verb + " " + arguments.json() + " " + caller.uid() + " " + acts;
            arguments.close();
            return CompletableFuture.supplyAsync(
                    () -> ControlAnswer.of(new JobOutcome(verb.equals("bad") ? 4 : 0, said, "{}")));
        }

        @Override
        public CompletableFuture<ControlAnswer> reload(Caller caller) {
            return CompletableFuture.completedFuture(
                    ControlAnswer.of(JobOutcome.done("reloaded for " + caller.uid() + "\n", "{}\n")));
        }

        @Override
        public Jobs jobs() {
            return jobs;
        }

        @Override
        public Executor orders() {
            return orders;
        }

        @Override
        public ControlAnswer failure(Throwable failure) {
            int status = failure instanceof JobRefusedException refused
                            && refused.reason() == JobRefusedException.Reason.UNKNOWN
                    ? 404
                    : 409;
            return new ControlAnswer(status, new JobOutcome(1, failure.getMessage(), "{\"error\":\"no\"}"));
        }

        @Override
        public void audit(Caller caller, boolean admitted, String what) {
            audited.add(caller.uid() + " " + admitted + " " + what);
        }
    }

    @TempDir
    private Path folder;

    private final Jobs jobs = new Jobs(
            JobMemory.NONE,
            failure -> new JobOutcome(1, failure.getMessage() + "\n", "{\"error\":\"it\"}"),
            Duration.ofSeconds(30));
    private final ExecutorService orders = Executors.newSingleThreadExecutor();
    private final Echo target = new Echo();
    private int peer = OWN;
    private ControlServer server;

    @BeforeEach
    void start() throws IOException {
        server = start(30_000);
    }

    private ControlServer start(long patienceMillis) throws IOException {
        return ControlServer.start(socket(), OWN, Set.of(), target, channel -> new Caller(peer, 1), patienceMillis);
    }

    @AfterEach
    void stop() {
        server.close();
        jobs.close();
        orders.shutdownNow();
    }

    private Path socket() {
        return folder.resolve("c.sock");
    }

    private ControlClient client() {
        return new ControlClient(socket());
    }

    private String raw(String request) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket()));
            ByteBuffer out = ByteBuffer.wrap(request.getBytes(StandardCharsets.ISO_8859_1));
            while (out.hasRemaining()) {
                channel.write(out);
            }
            return rest(channel);
        }
    }

    private static String rest(SocketChannel channel) throws IOException {
        StringBuilder text = new StringBuilder();
        ByteBuffer in = ByteBuffer.allocate(4096);
        try {
            while (channel.read(in) >= 0) {
                text.append(StandardCharsets.UTF_8.decode(in.flip()));
                in.clear();
            }
        } catch (IOException reset) {
            text.append(""); // Closed before all was read: what came until then is what counts.
        }
        return text.toString();
    }

    @Nested
    class WhoeverCalls {
        @Test
        void findsAFileForItsOwnerAlone() throws IOException {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket())));
        }

        @Test
        void isTurnedAwayAndWrittenDownIfItIsAStranger() {
            peer = STRANGER;
            assertThrows(IOException.class, () -> client().get("/v1/volumes", false));
            assertEquals(List.of(STRANGER + " false connect"), target.audited);
        }

        @Test
        void mayBeRoot() throws IOException {
            peer = 0;
            assertTrue(client().get("/v1/volumes", false).ok());
        }

        @Test
        void mayBeNamed() throws IOException {
            server.close();
            server = ControlServer.start(
                    socket(), OWN, Set.of(STRANGER), target, channel -> new Caller(STRANGER, 1), 30_000);
            assertTrue(client().get("/v1/volumes", false).ok());
        }

        @Test
        void isToldByTheKernel() throws Exception {
            server.close();
            int own = (Integer) Files.getAttribute(folder, "unix:uid");
            server = ControlServer.start(socket(), own, Set.of(), target);
            String said = client().post("/v1/volumes/db/try", true, new byte[0]).body();
            assertEquals("db try {} " + own + " true", said);
        }
    }

    @Test
    void takesArgumentsAndGivesTheVerbsExitCode() throws IOException {
        byte[] body = "{\"slot\": 3}".getBytes(StandardCharsets.UTF_8);
        ControlClient.Reply reply =
                client().post("/v1/volumes/" + ControlClient.part("a b/\u00e4+%") + "/bad", true, body);
        assertEquals("a b/\u00e4+% bad {\"slot\":3} " + OWN + " true", reply.body());
        assertEquals(4, reply.exitCode());
        assertEquals(
                "db info {} " + OWN + " false",
                client().get("/v1/volumes/db", true).body());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\r\n\r\n",
                "GET /v1/volumes/db/info HTTP/1.1\r\nConnection: close\r\n\r\n",
                "GET * HTTP/1.1\r\nConnection: close\r\n\r\n",
                "GET /v1/volumes/%zz HTTP/1.1\r\nConnection: close\r\n\r\n",
                "GET /v1/jobs/1?wait=x HTTP/1.1\r\nConnection: close\r\n\r\n",
                "GET /v1/jobs/1?since=-1 HTTP/1.1\r\nConnection: close\r\n\r\n",
                "GET /v1/jobs/99 HTTP/1.1\r\nConnection: close\r\n\r\n",
                "DELETE /v1/volumes HTTP/1.1\r\nConnection: close\r\n\r\n",
                "POST /v1/volumes/db/x HTTP/1.1\r\nConnection: close\r\nContent-Length: 3\r\n\r\n{x}",
                "POST /v1/volumes/db/x HTTP/1.1\r\nContent-Length: 65537\r\n\r\n",
                "POST /v1/volumes/db/x HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                "nonsense\r\n\r\n"
            })
    void refusesWhatMakesNoSense(String request) throws IOException {
        String text =
                request.contains("Connection") ? request : request.replaceFirst("\r\n", "\r\nConnection: close\r\n");
        String answer = raw(text);
        assertTrue(answer.matches("(?s)HTTP/1\\.1 4\\d\\d .*\"error\".*"), answer);
    }

    @Test
    void refusesABodyThatGrowsBeyondItsBounds() throws IOException {
        String chunk = "4000\r\n" + "x".repeat(0x4000) + "\r\n";
        String answer = raw("POST /v1/volumes/db/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk.repeat(5));
        assertTrue(answer.isEmpty() || answer.startsWith("HTTP/1.1 413 "), answer);
        assertTrue(client().get("/v1/volumes", false).ok(), "it serves nobody any more");
    }

    @Test
    void cutsOffWhoTakesTooLong() throws IOException {
        server.close();
        server = start(50);
        String answer = raw("POST /v1/volumes/db/x HTTP/1.1\r\nContent-Length: 10\r\n\r\n{");
        assertEquals("", answer);
    }

    @Test
    void answersSeveralRequestsOfOneConnectionInTheirOrder() throws IOException {
        String answers = raw("GET /v1/volumes/one HTTP/1.1\r\nAccept: text/plain\r\n\r\n"
                + "GET /v1/volumes/two HTTP/1.1\r\nAccept: text/plain\r\nConnection: close\r\n\r\n");
        int one = answers.indexOf("one info");
        assertTrue(one > 0 && answers.indexOf("two info") > one, answers);
    }

    @Test
    void leavesTheSocketOfALivingDaemonAlone() throws IOException {
        assertThrows(IOException.class, () -> start(1000));
        assertTrue(client().get("/v1/volumes", false).ok());
        server.close();
        assertFalse(Files.exists(socket()));
    }

    @Test
    void tellsOfAJobAsSoonAsItChangesAndSteersIt() throws Exception {
        CountDownLatch on = new CountDownLatch(1);
        Job job = jobs.submit(new JobRequest("count", "db", Set.of(), null, control -> {
            on.await();
            while (true) {
                try {
                    control.checkpoint();
                } catch (JobCanceledException ended) {
                    throw ended;
                }
                Thread.onSpinWait();
            }
        }));
        String path = "/v1/jobs/" + job.id();
        CompletableFuture<ControlClient.Reply> paused = CompletableFuture.supplyAsync(
                () -> {
                    try {
                        JobReply now = JobReply.parse(client().get(path, false).body());
                        while (!now.state().equals("paused")) {
                            now = JobReply.parse(client().get(path + "?wait=30s&since=" + now.revision(), false)
                                    .body());
                        }
                        return client().get(path, true);
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                },
                task -> new Thread(task, "watcher").start());
        assertTrue(client().post(path + "/pause", false, new byte[0]).ok());
        on.countDown();
        assertTrue(
                paused.get().body().contains("count of db, paused"),
                paused.get().body());
        assertEquals(409, client().get(path + "/result", true).status());
        assertTrue(client().post(path + "/resume", false, new byte[0]).ok());
        assertTrue(client().post(path + "/cancel", false, new byte[0]).ok());
        JobReply end = JobReply.parse(client().get(path, false).body());
        while (!end.ended()) {
            end = JobReply.parse(client().get(path + "?wait=30s&since=" + end.revision(), false)
                    .body());
        }
        assertEquals("canceled", end.state());
        assertEquals(409, client().post(path + "/pause", false, new byte[0]).status());
        assertEquals(404, client().post("/v1/jobs/99/pause", false, new byte[0]).status());
        assertTrue(target.audited.contains(OWN + " true job-pause " + job.id()), target.audited::toString);
    }
}
