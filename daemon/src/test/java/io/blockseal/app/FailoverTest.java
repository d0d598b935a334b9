package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.config.ConfigReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A volume that several key sources of its configuration open: which is asked, and what if it does not answer. */
@Timeout(120)
class FailoverTest {
    /** Wraps nothing, for a test: the blob is the key. Notes that it was asked, and does as the file beside it says. */
    private static final String PROGRAM = """
            #!/bin/sh
            question=$(cat)
            case $question in *'"unwrap"'*) echo %1$s >> %2$s/asked ;; esac
            read -r mood < %2$s/%1$s.mood
            case $mood in
              well) printf '%%s' "$question" | sed 's/"volume":"[^"]*",//; s/"key"/"swap"/; s/"blob"/"key"/; s/"swap"/"blob"/' ;;
              *) printf '{"error":{"kind":"%%s","message":"%1$s has no time"}}' "$mood" ;;
            esac
            """;

    @TempDir
    private Path directory;

    private Cli cli;

    /** The slots 0 to 3: a, b, a key file, c. */
    @BeforeEach
    void create() throws Exception {
        cli = new Cli(directory);
        for (String name : new String[] {"a", "b", "c"}) {
            Path program = Files.writeString(cli.path(name), PROGRAM.formatted(name, directory));
            Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
            mood(name, "well");
        }
        cli.ok("create", "./db.bsl", "--size", "32M", "--key-source", source("a"));
        add("--new-key-source", source("b"));
        add("--new-key-file", "./db.key");
        add("--new-key-source", source("c"), "--priority", "on-request");
    }

    private void add(String... key) {
        String[] words = {"key", "add", "./db.bsl", "--key-source", source("a")};
        String[] all = new String[words.length + key.length];
        System.arraycopy(words, 0, all, 0, words.length);
        System.arraycopy(key, 0, all, words.length, key.length);
        cli.ok(all);
    }

    private String source(String name) {
        return "exec:" + cli.path(name);
    }

    private void mood(String name, String mood) throws Exception {
        Path next = Files.writeString(cli.path("mood.next"), mood + "\n");
        Files.move(next, cli.path(name + ".mood"), StandardCopyOption.ATOMIC_MOVE);
    }

    private Daemon serve(String keys) throws Exception {
        Files.writeString(cli.path("asked"), "");
        return Daemon.start(cli.configuration("path: ./db.bsl, " + keys));
    }

    private String sources(String... names) {
        return "key-source: ["
                + String.join(
                        ", ",
                        List.of(names).stream()
                                .map(name -> '"' + source(name) + '"')
                                .toList()) + "]";
    }

    private List<String> asked() throws Exception {
        return Files.readAllLines(cli.path("asked"));
    }

    private String state() {
        return cli.served("status").out();
    }

    @Test
    void theStartTriesByPriorityThenNumberWhateverTheOrderOfTheConfiguration() throws Exception {
        try (Daemon daemon = serve(sources("c", "b", "a"))) {
            Guest.connect(daemon, "db", 1).close();
            assertEquals(List.of("a"), asked());
        }
        cli.ok("key", "priority", "./db.bsl", "--slot", "1", "--priority", "first", "--key-file", "./db.key");
        try (Daemon daemon = serve(sources("a", "b"))) {
            Guest.connect(daemon, "db", 1).close();
            assertEquals(List.of("b"), asked());
        }
    }

    @ParameterizedTest
    @CsvSource({"unreachable, throttled", "refused, unreachable", "misconfigured, wrong-key"})
    void theStartGoesOnToTheNextSlotAndIsNotHeldUp(String one, String other) throws Exception {
        mood("a", one);
        mood("b", other);
        try (Daemon daemon = serve(sources("a", "b") + ", key-file: ./db.key");
                Guest guest = Guest.connect(daemon, "db", 1)) {
            guest.fill();
            assertEquals(List.of("a", "b"), asked());
            assertTrue(state().contains("open"), this::state);
        }
    }

    @Test
    void theConfigurationInTheDocumentationServesByTheSecondSource() throws Exception {
        mood("a", "unreachable");
        Files.writeString(cli.path("asked"), "");
        String page = Files.readString(Path.of("..", "docs", "keysources.md"));
        String section = page.substring(page.indexOf("\n## Several keys of one volume"));
        int begin = section.indexOf("```yaml\n") + "```yaml\n".length();
        String printed = section.substring(begin, section.indexOf("```", begin))
                .replace("/usr/local/libexec/kms2", directory + "/b")
                .replace("/usr/local/libexec/kms", directory + "/a")
                .replaceAll("/(etc|run|var/lib)/blockseal/", directory + "/");
        Path yaml = Files.writeString(
                cli.path("printed.yaml"), printed + "control: off\nstate-dir: " + directory + "/state\n");
        try (Daemon daemon = Daemon.start(ConfigReader.read(yaml))) {
            assertTrue(daemon.addresses().contains(directory + "/db.sock"), daemon::addresses);
            assertEquals(List.of("a", "b"), asked());
        }
    }

    @Test
    void theStartNeverTriesWhatIsOnRequest() throws Exception {
        mood("a", "unreachable");
        mood("b", "refused");
        try (Daemon daemon = serve(sources("a", "b", "c"))) {
            assertThrows(Exception.class, () -> Guest.connect(daemon, "db", 1));
            assertTrue(state().contains("opening"), this::state);
            mood("b", "well");
            while (!state().contains("open,")) {
                Thread.onSpinWait();
            }
            assertTrue(!asked().contains("c"), "the program c was asked");
        }
        try (Daemon daemon = serve(sources("a", "b", "c") + ", key-slot: 3")) {
            Guest.connect(daemon, "db", 1).close();
            assertEquals(List.of("c"), asked());
        }
    }

    @Test
    void aRecoveryKeyIsNeverTriedBesideOthers() throws Exception {
        Exception refused = assertThrows(
                Exception.class, () -> cli.configuration("path: ./db.bsl, key-file: ./db.key, recovery-key-file: ./r"));
        assertTrue(
                String.valueOf(refused.getMessage()).contains("a recovery key beside other keys"), refused::toString);
    }

    @Test
    void prioritiesAreSetOnAServedVolumeInTheSameWords() throws Exception {
        String closed = cli.ok(
                        "key", "priority", "./db.bsl", "--slot", "1", "--priority", "first", "--key-file", "./db.key")
                .out();
        assertEquals(cli.path("db.bsl") + ": key slot 1 is tried first.\n", closed);
        try (Daemon daemon = serve(sources("a", "b"))) {
            assertTrue(daemon.addresses().contains("n.sock"));
            assertEquals(
                    closed,
                    cli.served("key", "priority", "./db.bsl", "--slot", "1", "--priority", "first")
                            .out());
            Cli.Result json = cli.served("key", "priority", "db", "--slot", "0", "--priority", "on-request", "--json");
            assertEquals(0, json.exitCode(), json.all());
            Cli.Result added = cli.served(
                    "key",
                    "add",
                    "./db.bsl",
                    "--key-file",
                    "./db.key",
                    "--new-key-file",
                    "./more.key",
                    "--priority",
                    "first");
            assertEquals(0, added.exitCode(), added.all());
            Cli.Result none = cli.served("key", "priority", "db", "--slot", "9", "--priority", "first");
            assertEquals(ExitCode.USAGE.number(), none.exitCode(), none.all());
            assertTrue(none.err().contains("key slot 9 holds no key, so that it has no priority"), none.err());
        }
        List<String> slots = cli.ok("key", "list", "./db.bsl").out().lines().toList();
        assertEquals(5, slots.size());
        assertTrue(slots.get(0).endsWith(", only on request"), slots.get(0));
        assertTrue(slots.get(1).endsWith(", first"), slots.get(1));
        assertTrue(slots.get(2).endsWith("Z"), slots.get(2));
        assertTrue(slots.get(3).endsWith(", only on request"), slots.get(3));
        assertTrue(slots.get(4).endsWith(", first"), slots.get(4));
    }

    /** One source that is away is told, once, and nobody takes it for a revocation. */
    @Test
    void aSpareSourceThatOpensItKeepsTheVolumeGood() throws Exception {
        try (Daemon daemon = serve(sources("a", "b") + ", key-check-seconds: 1")) {
            Guest.connect(daemon, "db", 1).close();
            mood("a", "refused");
            Files.writeString(cli.path("asked"), "");
            while (asked().size() < 4) {
                Thread.onSpinWait();
            }
            assertEquals(List.of("a", "b", "a", "b"), asked().subList(0, 4));
            assertTrue(state().contains("open,"), this::state);
        }
    }
}
