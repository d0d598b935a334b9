package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code header} and {@code check --repair} on real files, as a user would give them. */
class HeaderCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() {
        cli = new Cli(directory);
        cli.ok("create", "./demo.bsl", "--size", "1G", "--key-file", "./demo.key");
    }

    @Nested
    class Backup {
        @Test
        void isWrittenForItsOwnerAloneAndSaysWhatItHas() throws Exception {
            cli.refused(
                    ExitCode.FAILURE,
                    "q.header: cannot be written: the folder " + cli.path("sub") + " is not there",
                    "header",
                    "backup",
                    "./demo.bsl",
                    "./sub/q.header",
                    "--key-file",
                    "./demo.key");
            Cli.Result made = cli.ok("header", "backup", "./demo.bsl", "./demo.header", "--key-file", "./demo.key");
            assertTrue(made.out().contains("commit 1 "), made.out());
            assertTrue(made.out().contains("verified"), made.out());
            assertEquals(
                    "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cli.path("demo.header"))));
            JsonNode again =
                    JSON.readTree(cli.ok("header", "backup", "./demo.bsl", "./demo.header", "--force", "--json")
                            .out());
            assertEquals(1, again.get("commitSeq").asInt());
            assertFalse(again.get("authenticated").asBoolean());
            assertEquals(Files.size(cli.path("demo.header")), again.get("bytes").asLong());
        }

        @Test
        void replacesNothingUnlessToldAndNeverTheVolume() throws Exception {
            byte[] head = head();
            cli.ok("header", "backup", "./demo.bsl", "./demo.header");
            cli.refused(ExitCode.FAILURE, "exists already", "header", "backup", "./demo.bsl", "./demo.header");
            cli.refused(
                    ExitCode.FAILURE, "no header backup", "header", "backup", "./demo.bsl", "./demo.bsl", "--force");
            assertEquals(Arrays.hashCode(head), Arrays.hashCode(head()));
        }

        @Test
        void needsTheRightKeyIfAny() {
            cli.ok("create", "./other.bsl", "--size", "1G", "--key-file", "./other.key");
            cli.refused(
                    ExitCode.WRONG_KEY,
                    "no key slot opens",
                    "header",
                    "backup",
                    "./demo.bsl",
                    "./demo.header",
                    "--key-file",
                    "./other.key");
            assertFalse(Files.exists(cli.path("demo.header")));
        }
    }

    private byte[] head() throws Exception {
        try (var in = Files.newInputStream(cli.path("demo.bsl"))) {
            return in.readNBytes(3 << 20);
        }
    }
}
