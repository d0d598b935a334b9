package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.control.ControlClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Every key of a volume replaced by the daemon that serves it, while a guest goes on. */
@Timeout(120)
class ControlLeakTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int DATA_AT = 64 << 20;
    private static final int UNIT_BYTES = 4096;

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() {
        cli = new Cli(directory);
        cli.ok("create", "./demo.bsl", "--size", "48M", "--range-size", "16M", "--key-file", "./demo.key");
    }

    private Cli.Result served(String... words) {
        return cli.served(words);
    }

    private Daemon serve(String key) throws Exception {
        return Daemon.start(cli.configuration("path: ./demo.bsl, key-file: ./" + key));
    }

    /** The ciphertext of the first unit, wherever it lies: its slot is the first. */
    private byte[] firstCiphertext() throws Exception {
        byte[] unit = Arrays.copyOfRange(Files.readAllBytes(cli.path("demo.bsl")), DATA_AT, DATA_AT + UNIT_BYTES);
        assertFalse(Arrays.equals(unit, new byte[UNIT_BYTES]), "nothing was written at the first slot");
        return unit;
    }

    private void isNowhere(byte[] ciphertext) throws Exception {
        byte[] all = Files.readAllBytes(cli.path("demo.bsl"));
        for (int at = DATA_AT; at + UNIT_BYTES <= all.length; at += UNIT_BYTES) {
            assertFalse(
                    Arrays.equals(all, at, at + UNIT_BYTES, ciphertext, 0, UNIT_BYTES), "ciphertext of the old key");
        }
    }

    private void opensOnlyBy(String key, String old, byte[] data) throws Exception {
        cli.ok("check", "./demo.bsl", "--key-file", key);
        cli.refused(ExitCode.WRONG_KEY, "no key slot opens", "check", "./demo.bsl", "--key-file", old);
        cli.ok("export", "./demo.bsl", "./back.img", "--key-file", key);
        assertArrayEquals(data, Files.readAllBytes(cli.path("back.img")));
    }

    @Test
    void aGuestWritesAllTheWayAndTheWordsAreThoseOfAClosedVolume() throws Exception {
        byte[] data;
        byte[] before;
        String told;
        try (Daemon daemon = serve("demo.key");
                Guest guest = Guest.connect(daemon, 1);
                AuditLines audit = AuditLines.listen()) {
            guest.fill();
            before = firstCiphertext();
            guest.begin();
            guest.awaitOneMore();
            Cli.Result answered =
                    served("respond-leak", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./next.key");
            assertEquals(0, answered.exitCode(), answered.all());
            told = answered.out();
            guest.awaitOneMore();
            guest.end();
            guest.requireAllRight();
            data = guest.expected();
            assertEquals(1, audit.of(AuditEvent.LEAK_RESPONSE_BEGUN).size());
            assertEquals(1, audit.of(AuditEvent.LEAK_RESPONSE_ENDED).size());
        }
        opensOnlyBy("./next.key", "./demo.key", data);
        isNowhere(before);
        String closed = cli.ok(
                        "respond-leak", "./demo.bsl", "--key-file", "./next.key", "--new-key-file", "./third.key")
                .out();
        // Only a daemon may have been told of the old key.
        String reminder = "The daemon's key-file " + cli.path("demo.key")
                + " opens this volume no more: name the new key before the next start, in the configuration (then reload)"
                + " or on the command line.\n";
        assertEquals(withoutIdentity(closed) + reminder, withoutIdentity(told.replace("next.key", "third.key")));
    }

    private static String withoutIdentity(String text) {
        assertTrue(text.contains("Identity now: "), text);
        return text.replaceAll("Identity now: [0-9a-f]+", "Identity now: ...")
                .replaceAll("since [0-9TZ:-]+", "since ...");
    }

    @Test
    void goesOnAfterARestartWithoutAnyKeyAndStandsStillUntilThen() throws Exception {
        cli.ok("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./next.key");
        byte[] data;
        byte[] before;
        long job;
        try (Daemon daemon = serve("demo.key");
                Guest guest = Guest.connect(daemon, 2)) {
            guest.fill();
            before = firstCiphertext();
            guest.begin();
            ControlClient control = new ControlClient(cli.path("c.sock"));
            byte[] order = """
                    {"key": {"kind": "file", "path": "%1$s/demo.key"}, "key2": {"kind": "file", "path": "%1$s/next.key"},
                     "sameKey": true, "keepSlots": ["1"]}""".formatted(directory).getBytes(StandardCharsets.UTF_8);
            job = JSON.readTree(control.post("/v1/volumes/demo/respond-leak", false, order)
                            .body())
                    .get("id")
                    .asLong();
            control.post("/v1/jobs/" + job + "/pause", false, new byte[0]);
            JsonNode paused = awaitState(control, job, "paused");
            assertFalse(paused.get("phase").asText().isEmpty(), paused::toString);
            guest.awaitOneMore();
            Cli.Result another = served("rotate-dek", "demo", "--key-file", "./demo.key", "--all");
            assertEquals(ExitCode.IN_USE.number(), another.exitCode(), another.all());
            assertTrue(another.err().contains("job " + job + " (respond-leak) is paused"), another.err());
            guest.end();
            data = guest.expected();
        }
        String memo = Files.readString(onlyMemo());
        assertFalse(memo.contains("secret") || memo.contains("demo.key"), memo);
        try (Daemon daemon = serve("next.key");
                Guest guest = Guest.connect(daemon, 3)) {
            ControlClient control = new ControlClient(cli.path("c.sock"));
            awaitState(control, job, "paused");
            guest.fill();
            guest.begin();
            served("job", "resume", String.valueOf(job));
            Cli.Result watched = served("job", "watch", String.valueOf(job));
            assertEquals(0, watched.exitCode(), watched.all());
            assertTrue(watched.out().contains("the keys of all its ranges have been replaced"), watched.all());
            guest.end();
            guest.requireAllRight();
            data = guest.expected();
            Cli.Result none = served("respond-leak", "demo", "--key-file", "./next.key");
            assertEquals(ExitCode.USAGE.number(), none.exitCode(), none.all());
        }
        try (Stream<Path> memos = Files.list(cli.path("state").resolve("jobs"))) {
            assertEquals(0, memos.count(), "it would begin again at the next start");
        }
        cli.ok("export", "./demo.bsl", "./back.img", "--key-file", "./next.key", "--state-dir", "./state");
        assertArrayEquals(data, Files.readAllBytes(cli.path("back.img")));
        isNowhere(before);
    }

    private Path onlyMemo() throws Exception {
        try (Stream<Path> memos = Files.list(cli.path("state").resolve("jobs"))) {
            return memos.reduce((one, other) -> {
                        throw new AssertionError("two");
                    })
                    .orElseThrow();
        }
    }

    private static JsonNode awaitState(ControlClient control, long job, String state) throws Exception {
        JsonNode now = JSON.readTree(control.get("/v1/jobs/" + job, false).body());
        while (!now.path("state").asText().equals(state)) {
            assertFalse(now.path("ended").asBoolean(), now::toString);
            long seen = now.get("revision").asLong();
            now = JSON.readTree(control.get("/v1/jobs/" + job + "?wait=5s&since=" + seen, false)
                    .body());
        }
        return now;
    }

    @Test
    void whatIsRefusedChangesNothingAndLeavesNoKeyFile() throws Exception {
        cli.ok("create", "./other.bsl", "--size", "48M", "--range-size", "16M", "--key-file", "./other.key");
        try (Daemon daemon = serve("demo.key")) {
            assertTrue(daemon.addresses().contains("n.sock"));
            String before = served("info", "demo", "--json").out();
            Cli.Result wrong =
                    served("respond-leak", "demo", "--key-file", "./other.key", "--new-key-file", "./next.key");
            assertEquals(ExitCode.WRONG_KEY.number(), wrong.exitCode(), wrong.all());
            assertFalse(wrong.out().contains("opens by"), wrong.out());
            assertFalse(Files.exists(cli.path("next.key")), "a key file that opens nothing stays behind");
            Cli.Result same = served("respond-leak", "demo", "--key-file", "./demo.key");
            assertEquals(ExitCode.USAGE.number(), same.exitCode(), same.all());
            assertTrue(same.err().contains("the new key is the one that key slot 0 has already"), same.err());
            ControlClient control = new ControlClient(cli.path("c.sock"));
            ControlClient.Reply goOn = control.post(
                    "/v1/volumes/demo/respond-leak", false, "{\"goOn\": true}".getBytes(StandardCharsets.UTF_8));
            Cli.Result ended =
                    served("job", "watch", JSON.readTree(goOn.body()).get("id").asText());
            assertEquals(ExitCode.USAGE.number(), ended.exitCode(), ended.all());
            assertTrue(ended.err().contains("no answer to a leak is under way"), ended.err());
            assertEquals(before, served("info", "demo", "--json").out());
        }
    }

    @Test
    void aRecoveryKeyIsShownOnceAndMissingKeysAreNamedBeforeAnythingIsReplaced() throws Exception {
        cli.ok("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./two.key");
        String recovery;
        try (Daemon daemon = serve("demo.key")) {
            assertTrue(daemon.addresses().contains("n.sock"));
            String before = served("info", "demo", "--json").out();
            Cli.Result missing = served("respond-leak", "demo", "--key-file", "./demo.key", "--new-recovery-key");
            assertEquals(ExitCode.USAGE.number(), missing.exitCode(), missing.all());
            assertTrue(missing.err().contains("Let it go: --drop-slot 1; or"), missing.err());
            assertFalse(missing.all().contains("opens by"), missing.all());
            assertEquals(before, served("info", "demo", "--json").out());
            Cli.Result done = served(
                    "respond-leak", "demo", "--key-file", "./demo.key", "--new-recovery-key", "--drop-slot", "1");
            assertEquals(0, done.exitCode(), done.all());
            String[] lines = done.out().split("\n");
            assertTrue(lines[0].startsWith("demo: opens by recovery key"), done.out());
            assertTrue(lines[1].contains("Shown this once"), done.out());
            recovery = lines[2].strip();
            Files.writeString(cli.path("paper.txt"), recovery + "\n");
        }
        cli.ok("check", "./demo.bsl", "--recovery-key-file", "./paper.txt");
        for (String old : new String[] {"./demo.key", "./two.key"}) {
            cli.refused(ExitCode.WRONG_KEY, "no key slot opens", "check", "./demo.bsl", "--key-file", old);
        }
        assertEquals(1, cli.everythingPrinted().split(recovery, -1).length - 1, "the recovery key was shown once");
    }
}
