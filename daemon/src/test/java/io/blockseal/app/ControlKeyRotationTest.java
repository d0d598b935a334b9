package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Keys rotated by the daemon that serves the volume. */
@Timeout(120)
class ControlKeyRotationTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() {
        cli = new Cli(directory);
        cli.ok("create", "./demo.bsl", "--size", "256M", "--key-file", "./demo.key");
        cli.ok("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./two.key");
    }

    /** By the daemon. */
    private Cli.Result served(String... words) {
        return cli.served(words);
    }

    private Daemon serve() throws Exception {
        return Daemon.start(cli.configuration("path: ./demo.bsl, key-file: ./demo.key"));
    }

    private void opensOnlyBy(String key, String old) {
        cli.ok("check", "./demo.bsl", "--key-file", key);
        assertEquals(
                ExitCode.WRONG_KEY.number(),
                cli.run("check", "./demo.bsl", "--key-file", old).exitCode());
    }

    @Test
    void rotateKekSaysWhatItSaysWithoutADaemon() throws Exception {
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            Cli.Result rotated =
                    served("rotate-kek", "demo", "--key-file", "./demo.key", "--new-key-file", "./next.key");
            assertEquals(
                    "demo: key slot 0 is now: key file " + cli.path("next.key") + " (made now, mode 0600)\n"
                            + "The daemon's key-file " + cli.path("demo.key")
                            + " opens this volume no more: name the new key before the next start, in the configuration"
                            + " (then reload) or on the command line.\n",
                    rotated.out(),
                    rotated.all());
            Cli.Result same = served("rotate-kek", "demo", "--key-file", "./next.key");
            assertEquals(ExitCode.USAGE.number(), same.exitCode(), same.all());
            assertTrue(same.err().contains("the new key is the one that key slot 0 has"), same.err());
            Cli.Result wrong =
                    served("rotate-kek", "demo", "--key-file", "./demo.key", "--new-key-file", "./no.key", "--json");
            assertEquals(ExitCode.WRONG_KEY.number(), wrong.exitCode(), wrong.all());
            assertFalse(Files.exists(cli.path("no.key")), "a key file that opens nothing stays behind");
            Cli.Result recovery =
                    served("rotate-kek", "demo", "--key-file", "./next.key", "--slot", "1", "--new-recovery-key");
            assertTrue(recovery.out().contains("key slot 1 is now: recovery key"), recovery.all());
            assertTrue(recovery.out().contains("opens this volume no more"), recovery.all());
            assertTrue(recovery.out().contains("Shown this once"), recovery.all());
        }
        opensOnlyBy("./next.key", "./demo.key");
    }

    @Test
    void rotateVolumeKeyTakesTheKeyOfEverySlot() throws Exception {
        String before = JSON.readTree(cli.ok("info", "./demo.bsl", "--json").out())
                .get("identity")
                .asText();
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            Cli.Result one = served("rotate-volume-key", "demo", "--key-file", "./demo.key");
            assertEquals(ExitCode.USAGE.number(), one.exitCode(), one.all());
            assertTrue(one.err().contains("let the slot go: --drop-slot 1."), one.err());
            Cli.Result both = served(
                    "rotate-volume-key", "demo", "--key-file", "./demo.key", "--key-file", "./two.key", "--json");
            assertEquals(0, both.exitCode(), both.all());
            JsonNode told = JSON.readTree(both.out());
            assertEquals(2, told.get("volumeKeyEpoch").asInt());
            assertNotEquals(before, told.get("identity").asText());
            Cli.Result dropped =
                    served("rotate-volume-key", "demo", "--key-file", "./two.key", "--drop-slot", "0", "--detach");
            String job = dropped.out().strip();
            assertEquals(0, served("job", "watch", job).exitCode(), dropped.all());
            JsonNode info = JSON.readTree(served("info", "demo", "--json").out());
            assertEquals(1, info.get("keySlots").size());
        }
        opensOnlyBy("./two.key", "./demo.key");
    }
}
