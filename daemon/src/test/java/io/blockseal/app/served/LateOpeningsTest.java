package io.blockseal.app.served;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.Cli;
import io.blockseal.app.Guest;
import io.blockseal.app.MoodyProgram;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.config.ConfigReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A daemon that starts while the key source of one of its volumes cannot give the key. */
@Timeout(120)
class LateOpeningsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    private Cli cli;
    private MoodyProgram program;
    private String source = "";

    @BeforeEach
    void createTwo() throws Exception {
        cli = new Cli(directory);
        program = MoodyProgram.in(directory);
        source = program.uri();
        cli.ok("create", "./far.bsl", "--size", "32M", "--key-source", source);
        cli.ok("create", "./near.bsl", "--size", "32M", "--key-file", "./near.key");
    }

    private Daemon serve() throws Exception {
        return Daemon.start(cli.configuration(
                "path: ./far.bsl, key-source: \"" + source + "\"", "path: ./near.bsl, key-file: ./near.key"));
    }

    private JsonNode status(String volume) throws Exception {
        for (JsonNode each : JSON.readTree(cli.served("status", "--json").out()).get("volumes")) {
            if (each.get("name").asText().equals(volume)) {
                return each;
            }
        }
        throw new AssertionError("no volume " + volume);
    }

    @ParameterizedTest
    @ValueSource(strings = {"unreachable", "throttled", "refused"})
    void servesTheOthersAndOpensItByItselfWhenTheKeyIsThere(String trouble) throws Exception {
        program.mood(trouble);
        try (Daemon daemon = serve()) {
            try (Guest near = Guest.connect(daemon, "near", 1)) {
                near.fill();
            }
            ExecutionException refused = assertThrows(ExecutionException.class, () -> Guest.connect(daemon, "far", 2));
            assertTrue(String.valueOf(refused.getMessage()).contains("waits for its key"), refused::getMessage);
            JsonNode waiting = status("far");
            assertEquals("opening", waiting.get("state").asText());
            assertEquals("awaited", waiting.get("key").get("standing").asText());
            assertTrue(waiting.get("key").get("why").asText().contains("says: not now"), waiting::toString);
            assertTrue(cli.served("status")
                    .out()
                    .contains("key: the volume waits for its key, which is asked for again: "));
            assertEquals("unwatched", status("near").get("key").get("standing").asText());
            Cli.Result early = cli.served("lock", "far");
            assertEquals(ExitCode.IN_USE.number(), early.exitCode(), early.all());
            Cli.Result rotating = cli.served("rotate-dek", "far", "--all");
            assertEquals(ExitCode.IN_USE.number(), rotating.exitCode(), rotating.all());
            program.mood("well");
            while (!status("far").get("state").asText().equals("open")) {
                Thread.onSpinWait();
            }
            try (Guest far = Guest.connect(daemon, "far", 3)) {
                far.fill();
            }
        }
        cli.ok("check", "./far.bsl", "--key-source", source);
    }

    /** What a recovery key is for: the source is away, and the host has been started anew. */
    @ParameterizedTest
    @ValueSource(strings = {"unreachable", "silent"})
    void anotherOfItsKeysOpensItWhileItsSourceIsAway(String trouble) throws Exception {
        cli.ok("key", "add", "./far.bsl", "--key-source", source, "--new-key-file", "./spare.key");
        program.mood(trouble);
        try (Daemon daemon = serve()) {
            assertEquals("opening", status("far").get("state").asText());
            Cli.Result wrong = cli.served("unlock", "far", "--key-file", "./near.key");
            assertEquals(ExitCode.WRONG_KEY.number(), wrong.exitCode(), wrong.all());
            assertEquals("opening", status("far").get("state").asText());
            assertEquals("awaited", status("far").get("key").get("standing").asText());
            Cli.Result sent = cli.served("unlock", "far", "--key-file", "./spare.key");
            assertEquals(0, sent.exitCode(), sent.all());
            assertTrue(sent.out().contains("far: opened by this key; it is served."), sent::all);
            assertEquals("open", status("far").get("state").asText());
            try (Guest far = Guest.connect(daemon, "far", 3)) {
                far.fill();
            }
            Cli.Result again = cli.served("unlock", "far", "--key-file", "./spare.key");
            assertTrue(again.out().contains("is not locked; the key was not tried"), again::all);
            // What the source says is known without waiting for the first pause.
            while (trouble.equals("unreachable")
                    && !status("far").get("key").get("standing").asText().equals("in-doubt")) {
                Thread.onSpinWait();
            }
        }
        program.mood("well");
        cli.ok("check", "./far.bsl", "--key-source", source);
    }

    /** The slot of a recovery key is tried only if that key is given. */
    @Test
    void aRecoveryKeyOpensIt() throws Exception {
        Cli.Result made = cli.ok("key", "add", "./far.bsl", "--key-source", source, "--new-recovery-key");
        Matcher shown = Pattern.compile("(?:[0-9A-Z]{8}-){7}[0-9A-Z]{8}").matcher(made.all());
        assertTrue(shown.find(), "no recovery key was shown");
        Files.writeString(cli.path("paper"), shown.group() + "\n");
        program.mood("unreachable");
        try (Daemon daemon = serve()) {
            Cli.Result sent = cli.served("unlock", "far", "--recovery-key-file", "./paper");
            assertEquals(0, sent.exitCode(), sent.all());
            try (Guest far = Guest.connect(daemon, "far", 3)) {
                far.fill();
            }
        }
    }

    /** Who reads that it is asked for again would wait for ever. */
    @Test
    void oneThatDoesNotFitItsConfigurationIsGivenUpUntilThatIsMendedAndLoadedAgain() throws Exception {
        cli.ok("create", "./wide.bsl", "--size", "1G", "--range-size", "256M", "--key-source", source);
        program.mood("unreachable");
        String wide = "path: ./wide.bsl, key-source: \"" + source + "\"";
        try (Daemon daemon = Daemon.start(
                cli.configuration(wide + ", max-bytes-per-key: 3G"),
                () -> ConfigReader.read(cli.path("c.yaml")),
                System::currentTimeMillis)) {
            assertEquals("awaited", status("wide").get("key").get("standing").asText());
            program.mood("well");
            while (!status("wide").get("key").get("standing").asText().equals("given-up")) {
                Thread.onSpinWait();
            }
            assertEquals("opening", status("wide").get("state").asText());
            String text = cli.served("status").out();
            assertTrue(text.contains("key: the volume does not fit its configuration, and is not tried again"), text);
            assertTrue(text.contains("max-bytes-per-key is 3G"), text);
            ExecutionException refused = assertThrows(ExecutionException.class, () -> Guest.connect(daemon, "wide", 4));
            assertTrue(
                    String.valueOf(refused.getMessage()).contains("does not fit the configuration"),
                    refused::getMessage);
            cli.configuration(wide + ", max-bytes-per-key: 4G");
            assertEquals(0, cli.served("reload").exitCode());
            assertEquals("good", status("wide").get("key").get("standing").asText());
            assertEquals("open", status("wide").get("state").asText());
            assertTrue(daemon.addresses().contains("n.sock"));
        }
    }

    @Test
    void stopsAtOnceWhileItWaits() throws Exception {
        program.mood("unreachable");
        serve().close();
        program.mood("well");
        // Nobody has it open any more.
        cli.ok("check", "./far.bsl", "--key-source", source);
    }

    /** Within the time that the program gets for its answer. */
    @Test
    @Timeout(25)
    void aSilentSourceHoldsUpNeitherTheOthersNorTheEnd() throws Exception {
        program.mood("silent");
        try (Daemon daemon = serve();
                Guest near = Guest.connect(daemon, "near", 1)) {
            near.fill();
            assertEquals("opening", status("far").get("state").asText());
        }
        program.mood("well");
        cli.ok("check", "./far.bsl", "--key-source", source);
    }

    @Test
    void doesNotWaitForWhatOnlyAnOperatorCanMend() throws Exception {
        program.mood("misconfigured");
        Exception failed = assertThrows(Exception.class, this::serve);
        assertEquals(ExitCode.KEY_SOURCE, Failures.exitCode(failed));
        program.mood("wrong-key");
        failed = assertThrows(Exception.class, this::serve);
        assertEquals(ExitCode.WRONG_KEY, Failures.exitCode(failed));
    }
}
