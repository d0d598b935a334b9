package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that rotate keys, on real files, as a user would give them. */
class RotationCommandsTest {
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
    class RotateVolumeKey {
        @Test
        void changesTheIdentityAndLeavesTheKeysThatOpen() throws Exception {
            cli.ok("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./second.key");
            JsonNode before =
                    JSON.readTree(cli.ok("info", "./demo.bsl", "--json").out());
            JsonNode rotated = JSON.readTree(cli.ok(
                            "rotate-volume-key",
                            "./demo.bsl",
                            "--key-file",
                            "./demo.key",
                            "--key-file",
                            "./second.key",
                            "--json")
                    .out());
            assertEquals(2, rotated.get("volumeKeyEpoch").asInt());
            assertEquals(before.get("uuid"), rotated.get("uuid"));
            assertNotEquals(before.get("identity"), rotated.get("identity"));
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
            cli.ok("key", "remove", "./demo.bsl", "--slot", "0", "--key-file", "./second.key");
        }

        @Test
        void namesTheSlotsWhoseKeysAreMissingAndLetsThemGoWhenTold() {
            cli.ok("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./second.key");
            cli.refused(
                    ExitCode.USAGE,
                    "let the slot go: --drop-slot 1.",
                    "rotate-volume-key",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key");
            Cli.Result rotated =
                    cli.ok("rotate-volume-key", "./demo.bsl", "--key-file", "./demo.key", "--drop-slot", "1");
            assertTrue(rotated.out().contains("has volume key 2 now"), rotated.out());
            cli.refused(ExitCode.WRONG_KEY, "no key slot opens", "check", "./demo.bsl", "--key-file", "./second.key");
            cli.refused(
                    ExitCode.USAGE,
                    "key slots 0 to 15",
                    "rotate-volume-key",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key",
                    "--drop-slot",
                    "16");
        }
    }

    @Nested
    class RespondLeak {
        @Test
        void replacesEveryKeyAndKeepsTheData() throws Exception {
            byte[] data = new byte[3 << 20];
            new Random(7).nextBytes(data);
            Files.write(cli.path("data.img"), data);
            cli.ok("create", "./full.bsl", "--size", "3M", "--range-size", "16M", "--key-file", "./demo.key");
            cli.ok("import", "./data.img", "./full.bsl", "--key-file", "./demo.key");
            byte[] before = Files.readAllBytes(cli.path("full.bsl"));
            JsonNode answered = JSON.readTree(cli.ok(
                            "respond-leak",
                            "./full.bsl",
                            "--key-file",
                            "./demo.key",
                            "--new-key-file",
                            "./next.key",
                            "--json")
                    .out());
            assertEquals(2, answered.get("volumeKeyEpoch").asInt());
            cli.ok("check", "./full.bsl", "--key-file", "./next.key");
            cli.refused(ExitCode.WRONG_KEY, "no key slot opens", "check", "./full.bsl", "--key-file", "./demo.key");
            cli.ok("export", "./full.bsl", "./back.img", "--key-file", "./next.key");
            assertArrayEquals(data, Files.readAllBytes(cli.path("back.img")));
            byte[] after = Files.readAllBytes(cli.path("full.bsl"));
            // Somewhere in the data area is the ciphertext of the first unit; nowhere is that of before.
            byte[] oldCiphertext = Arrays.copyOfRange(before, 64 << 20, (64 << 20) + 4096);
            assertFalse(Arrays.equals(oldCiphertext, new byte[4096]), "nothing was written at the first slot");
            for (int at = 64 << 20; at + 4096 <= after.length; at += 4096) {
                assertFalse(Arrays.equals(after, at, at + 4096, oldCiphertext, 0, 4096), "ciphertext of the old key");
            }
        }

        /** Also the keys that were given, as they may have leaked like the first. */
        @Test
        void noOldKeyOpensUnlessItWasKeptAndTheEndSaysWhichDo() throws Exception {
            String[] add = {"key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", ""};
            for (String more : List.of("./two.key", "./three.key")) {
                add[add.length - 1] = more;
                cli.ok(add);
            }
            List<String> command =
                    new ArrayList<>(List.of("respond-leak", "./demo.bsl", "--new-key-file", "./next.key"));
            for (String key : List.of("./demo.key", "./two.key", "./three.key")) {
                command.addAll(List.of("--key-file", key));
            }
            cli.refused(
                    ExitCode.USAGE,
                    "Let it go: --drop-slot 1 --drop-slot 2; or, if nobody else can have it, give it as well and say:"
                            + " --keep-slot 1 --keep-slot 2.",
                    command.toArray(String[]::new));
            assertFalse(Files.exists(cli.path("next.key")), "a key file that opens nothing stays behind");
            command.addAll(List.of("--drop-slot", "1", "--keep-slot", "2", "--json"));
            JsonNode slots =
                    JSON.readTree(cli.ok(command.toArray(String[]::new)).out()).get("keySlots");
            assertEquals(2, slots.size(), slots::toString);
            assertEquals(0, slots.get(0).get("slot").asInt());
            assertEquals(2, slots.get(1).get("slot").asInt());
            for (String gone : List.of("./demo.key", "./two.key")) {
                cli.refused(ExitCode.WRONG_KEY, "no key slot opens", "check", "./demo.bsl", "--key-file", gone);
            }
            for (String there : List.of("./next.key", "./three.key")) {
                cli.ok("check", "./demo.bsl", "--key-file", there);
            }
        }

        @Test
        void wantsANewKeyOrToBeToldThatTheOldOneIsSafe() {
            cli.refused(
                    ExitCode.USAGE,
                    "the new key is the one that key slot 0 has already",
                    "respond-leak",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key");
            Cli.Result answered = cli.ok("respond-leak", "./demo.bsl", "--key-file", "./demo.key", "--same-key");
            assertTrue(answered.out().contains("the keys of all its ranges have been replaced"), answered.out());
            cli.refused(
                    ExitCode.USAGE,
                    "contradict each other",
                    "respond-leak",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key",
                    "--same-key",
                    "--new-passphrase");
        }
    }

    @Nested
    class RotateKek {
        @Test
        void letsTheNewKeyInAndTheOldOneOut() throws Exception {
            Cli.Result rotated =
                    cli.ok("rotate-kek", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./next.key");
            assertTrue(rotated.out().contains("key slot 0 is now: key file"), rotated.out());
            cli.ok("check", "./demo.bsl", "--key-file", "./next.key");
            cli.refused(ExitCode.WRONG_KEY, "no key slot opens", "check", "./demo.bsl", "--key-file", "./demo.key");
        }

        @Test
        void tellsProgramsWhichSlotItIsAndShowsARecoveryKeyApart() throws Exception {
            cli.ok("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-key-file", "./second.key");
            Cli.Result rotated = cli.ok(
                    "rotate-kek",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key",
                    "--slot",
                    "1",
                    "--new-recovery-key",
                    "--json");
            JsonNode document = JSON.readTree(rotated.out());
            assertEquals(1, document.get("slot").asInt());
            assertEquals("recovery", document.get("keySlots").get(1).get("kind").asText());
            assertTrue(rotated.err().contains("Shown this once"), rotated.err());
        }

        @Test
        void refusesTheSameKeyAndAWrongOneAndKeepsNoKeyFileThatOpensNothing() {
            cli.refused(
                    ExitCode.USAGE, "the new key is the one that key slot 0 has", words("./demo.key", "./demo.key"));
            cli.refused(
                    ExitCode.USAGE, "the new key is the one", "rotate-kek", "./demo.bsl", "--key-file", "./demo.key");
            cli.ok("create", "./other.bsl", "--size", "1G", "--key-file", "./other.key");
            cli.refused(ExitCode.WRONG_KEY, "no key slot opens", words("./other.key", "./next.key"));
            cli.refused(
                    ExitCode.USAGE,
                    "holds no key that could be replaced",
                    "rotate-kek",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key",
                    "--slot",
                    "7",
                    "--new-key-file",
                    "./next.key");
            assertFalse(Files.exists(cli.path("next.key")));
        }

        private String[] words(String opening, String next) {
            return new String[] {"rotate-kek", "./demo.bsl", "--key-file", opening, "--new-key-file", next};
        }
    }
}
