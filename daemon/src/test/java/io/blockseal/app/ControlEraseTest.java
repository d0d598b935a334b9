package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.audit.Operator;
import io.blockseal.control.ControlClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code erase} of a volume that is being served, as a user would run it. */
@Timeout(120)
class ControlEraseTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int EXTENT = 64 << 20;
    private static final String DEMO = "path: ./demo.bsl, key-file: ./demo.key";

    @TempDir
    private Path directory;

    private Cli cli;
    private String uuid = "";

    @BeforeEach
    void create() throws Exception {
        cli = new Cli(directory);
        uuid = create("demo");
    }

    private String create(String name) throws Exception {
        String file = "./" + name + ".bsl";
        cli.ok("create", file, "--size", "32M", "--range-size", "16M", "--label", "x", "--key-file", "./demo.key");
        return JSON.readTree(cli.ok("info", file, "--json").out()).get("uuid").asText();
    }

    private Cli.Result served(String... words) {
        return cli.served(words);
    }

    private Daemon serve(String... volumes) throws Exception {
        return Daemon.start(cli.configuration(volumes));
    }

    private static String state(Cli.Result status) throws Exception {
        return JSON.readTree(status.out()).get("volumes").get(0).get("state").asText();
    }

    private void headIsZeros() throws Exception {
        byte[] head = Arrays.copyOf(Files.readAllBytes(cli.path("demo.bsl")), EXTENT);
        assertArrayEquals(new byte[EXTENT], head, "something is left in extent 0");
    }

    @Test
    void sendsItsClientsAwayAndSaysWhatItSaysOfAClosedVolume() throws Exception {
        create("twin");
        try (Daemon daemon = serve(DEMO);
                Guest guest = Guest.connect(daemon, 1);
                AuditLines audit = AuditLines.listen()) {
            guest.fill();
            guest.begin();
            guest.awaitOneMore();
            Cli.Result erased = served("erase", "./demo.bsl", "--yes-erase", uuid, "--evidence", "./served.json");
            assertEquals(0, erased.exitCode(), erased.all());
            guest.failure();
            assertThrows(ExecutionException.class, () -> Guest.connect(daemon, 2), "it is served although it is gone");
            headIsZeros();
            assertEquals("erased", state(served("status", "--json")));
            List<String> lines = audit.of(AuditEvent.VOLUME_ERASED);
            assertEquals(1, lines.size());
            assertTrue(lines.get(0).contains(" caller-uid=" + Operator.uid() + " "), lines.get(0));
            assertTrue(lines.get(0).contains(" uuid=" + uuid + " "), lines.get(0));
            // Its lock is given up: whoever wants the space may have it.
            cli.refused(ExitCode.DAMAGED, "it is erased, or this is not a Blockseal volume", "info", "./demo.bsl");
            for (String[] order : new String[][] {
                {"key", "list", "demo"}, {"unlock", "demo", "--key-file", "./demo.key"}, {"erase", "demo"}
            }) {
                Cli.Result late = served(order);
                assertEquals(ExitCode.IN_USE.number(), late.exitCode(), late.all());
                assertTrue(late.err().contains("demo: is erased."), late.err());
            }
            Cli.Result closed = cli.ok("erase", "./twin.bsl", "--yes-erase", uuidOf("twin"), "--evidence", "./c.json");
            assertEquals(
                    closed.out()
                            .replace(
                                    "The record of it",
                                    "Take it out of the configuration now: with it there, no reload and no start"
                                            + " succeeds.\nThe record of it"),
                    erased.out().replace("demo.bsl", "twin.bsl").replace("served.json", "c.json"));
            likeThatOfAClosedVolume(
                    JSON.readTree(cli.path("served.json").toFile()),
                    JSON.readTree(cli.path("c.json").toFile()));
        }
    }

    private String uuidOf(String name) throws Exception {
        return JSON.readTree(cli.ok("info", "./" + name + ".bsl", "--json").out())
                .get("uuid")
                .asText();
    }

    private void likeThatOfAClosedVolume(JsonNode served, JsonNode closed) {
        assertEquals("erased", served.get("outcome").asText());
        assertEquals(
                cli.path("demo.bsl").toString(),
                served.get("volume").get("path").asText());
        assertEquals(uuid, served.get("volume").get("uuid").asText());
        assertEquals(closed.get("operator").get("uid"), served.get("operator").get("uid"));
        assertEquals(
                closed.get("operator").get("loginUid"), served.get("operator").get("loginUid"));
        assertEquals(closed.get("remains"), served.get("remains"));
        assertEquals(closed.get("keySlots"), served.get("keySlots"));
        assertEquals(
                closed.get("destroyed").toString().replace("twin.bsl", "demo.bsl"),
                served.get("destroyed").toString());
        assertEquals(names(closed), names(served));
        assertEquals(names(closed.get("volume")), names(served.get("volume")));
    }

    private static List<String> names(JsonNode object) {
        List<String> names = new ArrayList<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    @Test
    void whatIsRefusedDisturbsNobody() throws Exception {
        cli.ok("create", "./other.bsl", "--size", "32M", "--range-size", "16M", "--key-file", "./other.key");
        try (Daemon daemon = serve(DEMO);
                Guest guest = Guest.connect(daemon, 3)) {
            guest.fill();
            guest.begin();
            String[] wrongUuid = {"erase", "demo", "--yes-erase", uuidOf("other"), "--evidence", "./e.json"};
            Cli.Result wrong = served(wrongUuid);
            assertEquals(ExitCode.FAILURE.number(), wrong.exitCode(), wrong.all());
            assertTrue(wrong.err().contains("has the UUID " + uuid + ", not "), wrong.err());
            assertFalse(Files.exists(cli.path("e.json")), "a record of what was not done");
            Cli.Result unasked = served("erase", "demo");
            assertEquals(ExitCode.USAGE.number(), unasked.exitCode(), unasked.all());
            assertTrue(unasked.err().contains("--yes-erase UUID"), unasked.err());
            Cli.Result strange =
                    served("erase", "demo", "--yes-erase", uuid, "--destroy-kek", "--key-file", "./other.key");
            assertEquals(ExitCode.WRONG_KEY.number(), strange.exitCode(), strange.all());
            assertTrue(strange.err().contains("opens no key slot of demo; nothing was changed."), strange.err());
            Files.writeString(cli.path("pass"), "correct horse battery staple\n");
            Cli.Result pass =
                    served("erase", "demo", "--yes-erase", uuid, "--destroy-kek", "--passphrase-file", "./pass");
            assertEquals(ExitCode.KEY_SOURCE.number(), pass.exitCode(), pass.all());
            ControlClient control = new ControlClient(cli.path("c.sock"));
            for (String body : List.of("{}", "{\"uuid\": \"" + uuidOf("other") + "\"}", "{\"uuid\": 7}")) {
                assertFalse(control.post("/v1/volumes/demo/erase", false, body.getBytes(StandardCharsets.UTF_8))
                        .ok());
            }
            guest.awaitOneMore();
            guest.end();
            guest.requireAllRight();
            assertTrue(Files.exists(cli.path("other.key")));
            assertEquals("open", state(served("status", "--json")));
        }
        cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
    }

    @Test
    void destroysTheKeyFileWhereItLiesOnceNoJobIsInTheWay() throws Exception {
        try (Daemon daemon = serve(DEMO);
                Guest guest = Guest.connect(daemon, 4);
                AuditLines audit = AuditLines.listen()) {
            guest.fill();
            String job = served(
                            "rotate-dek", "demo", "--key-file", "./demo.key", "--all", "--rate", "1MiB/s", "--detach")
                    .out()
                    .strip();
            String[] order = {
                "erase",
                "demo",
                "--yes-erase",
                uuid,
                "--destroy-kek",
                "--key-file",
                "./demo.key",
                "--evidence",
                "./e.json",
                "--json"
            };
            Cli.Result waits = served(order);
            assertEquals(ExitCode.IN_USE.number(), waits.exitCode(), waits.all());
            assertTrue(waits.err().contains("demo: job " + job + " (rotate-dek) is "), waits.err());
            assertTrue(waits.err().contains("blockseal job cancel " + job), waits.err());
            ControlClient control = new ControlClient(cli.path("c.sock"));
            byte[] body = ("{\"uuid\": \"" + uuid + "\"}").getBytes(StandardCharsets.UTF_8);
            assertEquals(
                    409, control.post("/v1/volumes/demo/erase", false, body).status());
            assertFalse(Files.exists(cli.path("e.json")), "a record of what was not done");
            guest.requireAllRight();
            served("job", "cancel", job);
            served("job", "watch", job);
            Cli.Result erased = served(order);
            assertEquals(0, erased.exitCode(), erased.all());
            JsonNode record = JSON.readTree(cli.path("e.json").toFile());
            assertEquals(JSON.readTree(erased.out()), record);
            assertEquals(Files.readString(cli.path("e.json")), erased.out());
            JsonNode kek = record.get("destroyed").get("keks").get(0);
            assertTrue(kek.get("destroyed").asBoolean(), kek::toString);
            assertFalse(Files.exists(cli.path("demo.key")));
            assertEquals(1, audit.of(AuditEvent.KEK_DESTROYED).size());
            guest.ended().exceptionally(broken -> null).get();
            Cli.Result late = served("rotate-dek", "demo", "--all", "--detach");
            assertEquals(ExitCode.IN_USE.number(), late.exitCode(), late.all());
            assertTrue(late.err().contains("demo: is erased."), late.err());
        }
        try (Stream<Path> memos = Files.list(cli.path("state").resolve("jobs"))) {
            assertEquals(0, memos.count(), "a job of a volume that is no more would begin again");
        }
        headIsZeros();
    }

    @Test
    void otherVolumesAreServedOnAndTheirClientsNoticeNothing() throws Exception {
        create("twin");
        try (Daemon daemon = serve(DEMO, "path: ./twin.bsl, key-file: ./demo.key");
                Guest guest = Guest.connect(daemon, "demo", 6);
                Guest other = Guest.connect(daemon, "twin", 7)) {
            guest.fill();
            other.fill();
            other.begin();
            other.awaitOneMore();
            Cli.Result erased = served("erase", "demo", "--yes-erase", uuid);
            assertEquals(0, erased.exitCode(), erased.all());
            guest.ended().exceptionally(broken -> null).get();
            other.awaitOneMore();
            other.end();
            other.requireAllRight();
            try (Guest late = Guest.connect(daemon, "twin", 8)) {
                late.fill();
            }
            served("rotate-dek", "twin", "--key-file", "./demo.key", "--all");
            assertThrows(ExecutionException.class, () -> Guest.connect(daemon, "demo", 9));
        }
        cli.ok("check", "./twin.bsl", "--key-file", "./demo.key");
        headIsZeros();
    }

    @Test
    void doesNotWaitForRequestsThatWaitForTheKeysOfALockedVolume() throws Exception {
        try (Daemon daemon = serve(DEMO);
                Guest guest = Guest.connect(daemon, 5)) {
            guest.fill();
            guest.begin();
            guest.awaitOneMore();
            served("lock", "demo");
            Cli.Result erased = served("erase", "demo", "--yes-erase", uuid);
            assertEquals(0, erased.exitCode(), erased.all());
            guest.failure();
        }
        headIsZeros();
    }

    @Test
    void aVolumeThatIsOnlyReadIsNotErased() throws Exception {
        try (Daemon daemon = serve(DEMO + ", read-only: true")) {
            assertTrue(daemon.addresses().contains("n.sock"));
            Cli.Result refused = served("erase", "demo", "--yes-erase", uuid);
            assertEquals(ExitCode.FAILURE.number(), refused.exitCode(), refused.all());
            assertTrue(refused.err().contains("is open for reading only"), refused.err());
            assertEquals("open", state(served("status", "--json")));
        }
    }

    @Test
    void curlCanDoItInTwoSteps() throws Exception {
        try (Daemon daemon = serve(DEMO)) {
            assertTrue(daemon.addresses().contains("n.sock"));
            ControlClient control = new ControlClient(cli.path("c.sock"));
            ControlClient.Reply plan = control.post("/v1/volumes/demo/erase-plan", false, new byte[0]);
            JsonNode planned = JSON.readTree(plan.body());
            assertEquals(uuid, planned.get("uuid").asText());
            assertEquals("begun", planned.get("record").get("outcome").asText());
            assertTrue(planned.get("text").asText().contains("for ever: 32 MiB"), plan.body());
            ControlClient.Reply done = control.post(
                    "/v1/volumes/demo/erase", true, ("{\"uuid\": \"" + uuid + "\"}").getBytes(StandardCharsets.UTF_8));
            assertEquals(0, done.exitCode(), done.body());
            assertTrue(done.body().startsWith(cli.path("demo.bsl") + ": erased. Nothing opens it any more."));
        }
        headIsZeros();
    }
}
