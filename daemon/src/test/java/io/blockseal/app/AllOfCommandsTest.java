package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.config.ConfigReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A volume of which a key slot needs a program and a key file together, by the commands of an operator. */
@Timeout(120)
class AllOfCommandsTest {
    /** Wraps nothing, for a test: the blob is the share. */
    private static final String PROGRAM = """
            #!/bin/sh
            sed 's/"volume":"[^"]*",//; s/"key"/"swap"/; s/"blob"/"key"/; s/"swap"/"blob"/'
            """;

    @TempDir
    private Path directory;

    private Cli cli;
    private String source = "";

    @BeforeEach
    void create() throws Exception {
        cli = new Cli(directory);
        Path program = Files.writeString(cli.path("kms"), PROGRAM);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        // A key file that a part names has to be there already.
        cli.ok("create", "./other.bsl", "--size", "32M", "--key-file", "./db.key");
        source = "all-of:?source=exec:" + program + "?arg=prod&source=file:" + cli.path("db.key");
        cli.ok("create", "./db.bsl", "--size", "32M", "--key-source", source);
    }

    @Test
    void theConfigurationInTheDocumentationServesIt() throws Exception {
        String page = Files.readString(Path.of("..", "docs", "keysources.md"));
        String section = page.substring(page.indexOf("\n## all-of: several together"));
        int begin = section.indexOf("```yaml\n") + "```yaml\n".length();
        String printed = section.substring(begin, section.indexOf("```", begin))
                .replace("/usr/local/libexec/kms", directory + "/kms")
                .replaceAll("/(etc|run|var/lib)/blockseal/", directory + "/");
        assertTrue(printed.contains("all-of:\n"), printed);
        Path yaml = Files.writeString(
                cli.path("printed.yaml"), printed + "control: off\nstate-dir: " + directory + "/state\n");
        try (Daemon daemon = Daemon.start(ConfigReader.read(yaml))) {
            assertTrue(daemon.addresses().contains(directory + "/db.sock"), daemon::addresses);
        }
        cli.ok("check", "./db.bsl", "--key-source", source);
    }

    @Test
    void neitherPartOpensItAlone() {
        cli.refused(ExitCode.WRONG_KEY, "no key slot opens", "check", "./db.bsl", "--key-file", "./db.key");
        cli.refused(
                ExitCode.WRONG_KEY,
                "no key slot opens",
                "check",
                "./db.bsl",
                "--key-source",
                "exec:" + cli.path("kms"));
        String slots = cli.ok("key", "list", "./db.bsl").out();
        assertTrue(
                slots.startsWith("slot 0: all-of all-of:exec:" + cli.path("kms") + "&file:" + cli.path("db.key") + ","),
                slots);
    }

    @Test
    void theReaderOfTheFormatJoinsSharesAsTheFormatSays() throws Exception {
        Files.writeString(cli.path("words"), "correct horse battery staple\n");
        String local = "all-of:?source=file:" + cli.path("db.key") + "&source=passphrase:" + cli.path("words");
        cli.ok("create", "./local.bsl", "--size", "32M", "--key-source", local);
        Process reader = new ProcessBuilder(
                        "python3",
                        Path.of("..", "scripts", "blockseal-reader.py").toString(),
                        cli.path("local.bsl").toString(),
                        "--key-file",
                        cli.path("db.key").toString(),
                        "--passphrase-file",
                        cli.path("words").toString(),
                        "-o",
                        cli.path("raw.img").toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(reader.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = reader.waitFor();
        if (!said.contains("needs libargon2 or OpenSSL 3.2")) {
            assertEquals(0, status, said);
            assertEquals(32L << 20, Files.size(cli.path("raw.img")));
        }
    }

    @Test
    void theEvidenceOfAnErasureSaysThatOnePartWasEnough() throws Exception {
        cli.ok("key", "add", "./db.bsl", "--key-source", source, "--new-key-file", "./spare.key");
        cli.ok(
                "erase",
                "./db.bsl",
                "--destroy-kek",
                "--key-source",
                source,
                "--evidence",
                "./evidence.json",
                "--yes-erase",
                uuid());
        String evidence = Files.readString(cli.path("evidence.json"));
        assertTrue(
                evidence.contains(
                        "key slot 0 needed it and opens no more, whatever becomes of the other parts of all-of:"
                                + "exec:" + cli.path("kms") + "&file:" + cli.path("db.key")),
                evidence);
        assertTrue(!evidence.contains("The key of slot 0"), evidence);
        assertTrue(evidence.contains("The key of slot 1"), evidence);
        assertTrue(!Files.exists(cli.path("db.key")), "the key file is still there");
    }

    /** The file opens a slot by itself, and is a part of another: both are gone with it, though the program is away. */
    @Test
    void aKeyFileThatGoesTakesTheSlotsWithItOfWhichItIsAPart() throws Exception {
        cli.ok("key", "add", "./db.bsl", "--key-source", source, "--new-key-file", "./db.key");
        cli.ok("header", "backup", "./db.bsl", "./db.header", "--key-source", source);
        Files.move(cli.path("kms"), cli.path("kms.away"));
        Cli.Result erased = cli.ok(
                "erase",
                "./db.bsl",
                "--destroy-kek",
                "--key-file",
                "./db.key",
                "--evidence",
                "./evidence.json",
                "--yes-erase",
                uuid());
        JsonNode evidence = new ObjectMapper().readTree(Files.readString(cli.path("evidence.json")));
        assertEquals("erased", evidence.get("outcome").asText());
        JsonNode keks = evidence.get("destroyed").get("keks");
        assertEquals(1, keks.size());
        assertEquals("[0,1]", keks.get(0).get("slots").toString());
        assertTrue(keks.get(0).get("how").asText().contains("key slot 0 needed it and opens no more"), keks::toString);
        assertTrue(!evidence.get("remains").toString().contains("The key of slot"), evidence::toString);
        assertTrue(erased.out().contains("opens no more"), erased.out());
        // So it is: not even a backup of the header and the program bring it back.
        Files.move(cli.path("kms.away"), cli.path("kms"));
        cli.refused(
                ExitCode.KEY_SOURCE, "db.key", "header", "restore", "./db.bsl", "./db.header", "--key-source", source);
    }

    /** The daemon that serves it does the same, by the file alone. */
    @Test
    void aServedVolumeIsErasedByTheFileThatIsAPartOfItsKey() throws Exception {
        String served = "path: ./db.bsl, key-source: {all-of: ['exec:" + cli.path("kms") + "?arg=prod', 'file:"
                + cli.path("db.key") + "']}";
        String uuid = uuid();
        try (Daemon daemon = Daemon.start(cli.configuration(served))) {
            assertTrue(daemon.addresses().contains(directory + "/n.sock"), daemon::addresses);
            Cli.Result erased = cli.served(
                    "erase",
                    "db",
                    "--yes-erase",
                    uuid,
                    "--destroy-kek",
                    "--key-file",
                    "./db.key",
                    "--evidence",
                    "./e.json");
            assertEquals(0, erased.exitCode(), erased.all());
        }
        JsonNode evidence = new ObjectMapper().readTree(Files.readString(cli.path("e.json")));
        JsonNode kek = evidence.get("destroyed").get("keks").get(0);
        assertEquals("[0]", kek.get("slots").toString());
        assertTrue(kek.get("how").asText().contains("key slot 0 needed it and opens no more"), kek::toString);
        assertTrue(!evidence.get("remains").toString().contains("The key of slot"), evidence::toString);
        assertTrue(!Files.exists(cli.path("db.key")), "the key file is still there");
    }

    /** Another file in the same place is not the part. */
    @Test
    void aKeyFileThatIsNotThePartIsRefused() throws Exception {
        Files.delete(cli.path("db.key"));
        cli.ok("create", "./third.bsl", "--size", "32M", "--key-file", "./db.key");
        cli.refused(
                ExitCode.WRONG_KEY,
                "opens no key slot",
                "erase",
                "./db.bsl",
                "--destroy-kek",
                "--key-file",
                "./db.key",
                "--yes-erase",
                uuid());
        assertTrue(Files.exists(cli.path("db.key")));
    }

    @Test
    void aGroupInTheConfigurationServesItAsWell() throws Exception {
        String group = "path: ./db.bsl, key-source: {all-of: ['exec:" + cli.path("kms") + "?arg=prod', 'file:"
                + cli.path("db.key") + "']}";
        try (Daemon daemon = Daemon.start(cli.configuration(group))) {
            assertTrue(daemon.addresses().contains(directory + "/n.sock"), daemon::addresses);
            assertTrue(cli.served("status").out().contains("open"), () -> cli.served("status")
                    .out());
        }
    }

    private String uuid() {
        String info = cli.ok("info", "./db.bsl", "--json").out();
        return info.replaceFirst("(?s).*\"uuid\"\\s*:\\s*\"([^\"]+)\".*", "$1");
    }
}
