package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.config.ConfigReader;
import io.blockseal.control.Arguments;
import io.blockseal.control.ControlClient;
import io.blockseal.control.JobReply;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code import} and {@code export} by the daemon that serves the volume. */
@Timeout(120)
class ControlTransferTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MIB = 1 << 20;

    @TempDir
    private Path directory;

    private Cli cli;
    private byte[] image;

    @BeforeEach
    void create() throws Exception {
        cli = new Cli(directory);
        image = new byte[20 * MIB];
        new Random(3).nextBytes(image);
        Files.write(cli.path("image"), image);
        cli.ok("create", "./demo.bsl", "--size", "20M", "--key-file", "./demo.key");
        cli.ok("create", "./other.bsl", "--size", "20M", "--key-file", "./other.key");
    }

    private Daemon serve() throws Exception {
        Path yaml = cli.path("c.yaml");
        Files.writeString(yaml, """
                unix: %1$s/n.sock
                control: %1$s/c.sock
                state-dir: %1$s/state
                loops: 1
                volumes:
                  - {path: %1$s/demo.bsl, key-file: %1$s/demo.key}
                """.formatted(directory));
        return Daemon.start(ConfigReader.read(yaml));
    }

    private static String[] atDaemon(String... words) {
        return Stream.concat(Stream.of(words), Stream.of("--control", "./c.sock"))
                .toArray(String[]::new);
    }

    private Cli.Result served(String... words) {
        return cli.ok(atDaemon(words));
    }

    private void refused(ExitCode code, String what, String... words) {
        cli.refused(code, what, atDaemon(words));
    }

    private static String withoutSeconds(String text) {
        return text.replaceAll("(Seconds\" : |in )[0-9.]+", "$1");
    }

    @Test
    void saysOfAServedVolumeWhatItSaysOfOneThatIsNot() throws Exception {
        String imported;
        String exported;
        String text;
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            imported = served("import", "./image", "./demo.bsl", "--json").out();
            exported = served("export", "./demo.bsl", "./back", "--json", "--key-file", "./demo.key")
                    .out();
            assertArrayEquals(image, Files.readAllBytes(cli.path("back")));
            text = served("export", "./demo.bsl", "./back", "--force").out();
            refused(ExitCode.WRONG_KEY, "", "export", "./demo.bsl", "./no", "--key-file", "./other.key");
            assertFalse(Files.exists(cli.path("no")));
        }
        String[] key = {"--key-file", "./demo.key", "--state-dir", "./mine", "--force"};
        assertEquals(
                withoutSeconds(
                        cli.ok(with(key, "export", "./demo.bsl", "./back")).out()),
                withoutSeconds(text));
        assertEquals(
                withoutSeconds(cli.ok(with(key, "export", "./demo.bsl", "./back", "--json"))
                        .out()),
                withoutSeconds(exported));
        assertEquals(
                withoutSeconds(cli.ok(with(key, "import", "./image", "./demo.bsl", "--json"))
                        .out()),
                withoutSeconds(imported));
        assertEquals(
                JSON.readTree(imported).get("sourceSha256"),
                JSON.readTree(exported).get("targetSha256"));
    }

    private static String[] with(String[] more, String... words) {
        return Stream.of(words, more).flatMap(Stream::of).toArray(String[]::new);
    }

    @Test
    void noClientIsUnderACopyAndLiveSaysWhetherOneWrote() throws Exception {
        try (Daemon daemon = serve()) {
            try (Guest guest = Guest.connect(daemon, 4)) {
                guest.fill();
                refused(ExitCode.IN_USE, "1 client has it open", "import", "./image", "demo", "--force");
                refused(ExitCode.IN_USE, "say --live", "export", "demo", "./back");
                JsonNode quiet = JSON.readTree(
                        served("export", "demo", "./back", "--live", "--json").out());
                assertFalse(quiet.get("changedMeanwhile").asBoolean());
                assertArrayEquals(guest.expected(), Files.readAllBytes(cli.path("back")));
                guest.begin();
                guest.awaitOneMore();
                JsonNode changed = JSON.readTree(served("export", "demo", "./back", "--live", "--force", "--json")
                        .out());
                assertTrue(changed.get("changedMeanwhile").asBoolean());
                guest.end();
                guest.requireAllRight();
            }
            served("import", "./image", "demo", "--force");
            served("export", "demo", "./back", "--force");
            assertArrayEquals(image, Files.readAllBytes(cli.path("back")));
        }
    }

    private static JobReply begin(ControlClient control, String verb, String end, Path path, String place)
            throws Exception {
        byte[] body =
                new Arguments().text(end, path.toString()).text("place", place).encode();
        ControlClient.Reply reply = control.post("/v1/volumes/demo/" + verb, false, body);
        assertEquals(202, reply.status(), reply.body());
        return JobReply.parse(reply.body());
    }

    @Test
    void whatTheCallerDoesNotMeanIsNotOpened() throws Exception {
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            ControlClient control = new ControlClient(cli.path("c.sock"));
            JobReply elsewhere = begin(control, "export", "target", cli.path("fresh"), "1:1");
            cli.refused(
                    ExitCode.FAILURE,
                    "something else than what you do",
                    atDaemon("job", "watch", String.valueOf(elsewhere.id())));
            JobReply relative = begin(control, "export", "target", Path.of("fresh"), null);
            cli.refused(
                    ExitCode.USAGE,
                    "neither an absolute path nor an address",
                    atDaemon("job", "watch", String.valueOf(relative.id())));
            assertFalse(Files.exists(cli.path("fresh")));

            Process fifo = new ProcessBuilder("mkfifo", cli.path("pipe").toString()).start();
            assertEquals(0, fifo.waitFor());
            refused(ExitCode.FAILURE, "neither a regular file nor a block device", "import", "./pipe", "demo");
            refused(ExitCode.FAILURE, "neither a regular file nor a block device", "export", "demo", "./pipe");
            refused(ExitCode.FAILURE, "neither a regular file nor a block device", "import", "/dev/zero", "demo");
        }
    }

    /** By another name of its own file, and with all force: a volume that is served is never emptied. */
    @Test
    void theVolumesOwnFileIsNoTarget() throws Exception {
        Files.createLink(cli.path("alias"), cli.path("demo.bsl"));
        Files.createSymbolicLink(cli.path("link"), cli.path("demo.bsl"));
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            served("import", "./image", "demo");
            for (String name : new String[] {"./alias", "./link", "./demo.bsl"}) {
                refused(ExitCode.IN_USE, "already open in this process", "export", "demo", name, "--force");
                refused(ExitCode.IN_USE, "already open in this process", "import", name, "demo", "--force");
            }
            // Nor by a command that opens another volume itself.
            cli.refused(
                    ExitCode.IN_USE,
                    "already open",
                    "export",
                    "./other.bsl",
                    "./alias",
                    "--force",
                    "--key-file",
                    "./other.key");
            served("export", "demo", "./back");
            assertArrayEquals(image, Files.readAllBytes(cli.path("back")));
        }
        cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
    }
}
