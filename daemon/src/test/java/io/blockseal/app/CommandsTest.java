package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every verb but serve, on real files, as a user would give it. */
class CommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long GIB = 1L << 30;

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void begin() {
        cli = new Cli(directory);
    }

    private void create() {
        cli.ok("create", "./demo.bsl", "--size", "1G", "--key-file", "./demo.key");
    }

    private JsonNode json(String... words) throws IOException {
        return JSON.readTree(cli.ok(words).out());
    }

    @Nested
    class Create {
        @Test
        void makesTheVolumeAndTheKeyFileForTheirOwnerAlone() throws Exception {
            Cli.Result made = cli.ok("create", "./demo.bsl", "--size", "1G", "--key-file", "./demo.key");
            for (String file : new String[] {"demo.bsl", "demo.key"}) {
                assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cli.path(file))));
            }
            assertTrue(made.out().contains("demo.key (made now, mode 0600)"), made.out());
            assertTrue(made.out().contains("blockseal serve " + cli.path("demo.bsl")), made.out());
            assertFalse(made.out().contains("Shown this once"), "a recovery key in a pipe is a leak");
        }

        @Test
        void usesAKeyFileThatIsThereAndDoesNotTouchIt() throws Exception {
            create();
            byte[] key = Files.readAllBytes(cli.path("demo.key"));
            Cli.Result made = cli.ok("create", "./two.bsl", "--size", "1G", "--key-file", "./demo.key");
            assertTrue(made.out().contains("was there already"), made.out());
            assertArrayEquals(key, Files.readAllBytes(cli.path("demo.key")));
        }

        @Test
        void tellsProgramsWhatItMade() throws Exception {
            JsonNode made = json(
                    "create",
                    "./demo.bsl",
                    "--size",
                    "1G",
                    "--key-file",
                    "./k",
                    "--unit-size",
                    "512",
                    "--json",
                    "--range-size",
                    "16M",
                    "--label",
                    "books");
            assertEquals(GIB, made.get("sizeBytes").asLong());
            assertEquals(512, made.get("unitBytes").asInt());
            assertEquals(16 << 20, made.get("rangeBytes").asInt());
            assertTrue(made.get("keySlots").get(0).get("madeFile").asBoolean());
            JsonNode info = json("info", "./demo.bsl", "--json");
            assertEquals(made.get("uuid"), info.get("uuid"));
            assertEquals(made.get("identity"), info.get("identity"));
            assertEquals("books", info.get("label").asText());
            assertEquals(512, info.get("unitBytes").asInt());
        }

        @Test
        void leavesAnExistingFileAlone() throws Exception {
            Files.writeString(cli.path("demo.bsl"), "mine");
            for (String[] more : new String[][] {{}, {"--force"}}) {
                String[] words = {"create", "./demo.bsl", "--size", "1G", "--key-file", "./demo.key"};
                String[] all = Arrays.copyOf(words, words.length + more.length);
                System.arraycopy(more, 0, all, words.length, more.length);
                Cli.Result refused = cli.run(all);
                assertEquals(ExitCode.FAILURE.number(), refused.exitCode());
                assertTrue(refused.err().contains("exists already and is left alone"), refused.err());
            }
            assertEquals("mine", Files.readString(cli.path("demo.bsl")));
            assertFalse(Files.exists(cli.path("demo.key")), "a key that opens nothing would only mislead");
        }

        @Test
        void leavesNothingBehindWhenItFails() {
            Cli.Result refused = cli.run(
                    "create", "./demo.bsl", "--size", "1G", "--key-file", "./demo.key", "--label", "x".repeat(49));
            assertEquals(ExitCode.USAGE.number(), refused.exitCode(), refused.err());
            assertFalse(Files.exists(cli.path("demo.bsl")));
            assertFalse(Files.exists(cli.path("demo.key")));
        }

        @Test
        void keepsTheMetadataApartIfAsked() throws Exception {
            cli.ok("create", "./d.bsl", "--size", "1G", "--key-file", "./k", "--meta", "./d.meta");
            assertEquals(
                    0,
                    cli.run("check", "./d.bsl", "--meta", "./d.meta", "--key-file", "./k")
                            .exitCode());
            Cli.Result alone = cli.run("check", "./d.bsl", "--key-file", "./k");
            assertEquals(ExitCode.DAMAGED.number(), alone.exitCode(), alone.all());
        }

        @Test
        void refusesSizesThatMakeNoSense() {
            String[][] wrong = {
                {"--size", "10X"},
                {"--size", "0"},
                {"--size", "4097"},
                {"--size", "-1G"},
                {"--size", "1G", "--unit-size", "1024"},
                {"--size", "1G", "--unit-size", "0"},
                {"--size", "1G", "--range-size", "3M"},
                {"--size", "1G", "--range-size", "33554433"},
                {"--size", "8000P"},
                {}
            };
            for (String[] options : wrong) {
                String[] words = {"create", "./demo.bsl", "--key-file", "./demo.key"};
                String[] all = Arrays.copyOf(words, words.length + options.length);
                System.arraycopy(options, 0, all, words.length, options.length);
                Cli.Result refused = cli.run(all);
                assertEquals(ExitCode.USAGE.number(), refused.exitCode(), Arrays.toString(options) + refused.err());
                assertFalse(Files.exists(cli.path("demo.bsl")), Arrays.toString(options));
            }
        }
    }

    @Nested
    class Keys {
        @Test
        void canBeAddedListedAndRemoved() throws Exception {
            create();
            Files.writeString(cli.path("pass"), "correct horse battery staple\n");
            String state = "./state";
            cli.ok(
                    "key",
                    "add",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key",
                    "--new-key-file",
                    "./second.key",
                    "--label",
                    "laptop",
                    "--state-dir",
                    state);
            JsonNode slots = json("key", "list", "./demo.bsl", "--json").get("keySlots");
            assertEquals(2, slots.size());
            assertEquals("laptop", slots.get(1).get("label").asText());
            cli.ok("check", "./demo.bsl", "--key-file", "./second.key");

            cli.ok("key", "remove", "./demo.bsl", "--slot", "0", "--key-file", "./second.key", "--state-dir", state);
            Cli.Result gone = cli.run("check", "./demo.bsl", "--key-file", "./demo.key");
            assertEquals(ExitCode.WRONG_KEY.number(), gone.exitCode(), gone.all());

            Cli.Result last = cli.run(
                    "key", "remove", "./demo.bsl", "--slot", "1", "--key-file", "./second.key", "--state-dir", state);
            assertEquals(ExitCode.FAILURE.number(), last.exitCode());
            assertTrue(last.err().contains("last that opens the volume"), last.err());
        }

        @Test
        void mayBeAPassphraseFromAFile() throws Exception {
            Files.writeString(cli.path("pass"), "correct horse battery staple\n");
            Files.writeString(cli.path("short"), "hunter2\n");
            Files.writeString(cli.path("other"), "wrong horse battery staple\n");
            Cli.Result weak = cli.run("create", "./w.bsl", "--size", "1G", "--passphrase-file", "./short");
            assertEquals(ExitCode.KEY_SOURCE.number(), weak.exitCode(), weak.all());
            String made = cli.ok("create", "./demo.bsl", "--size", "1G", "--passphrase-file", "./pass")
                    .out();
            assertTrue(made.contains(" --passphrase-file " + cli.path("pass") + " --unix "), made);
            Files.setPosixFilePermissions(cli.path("pass"), PosixFilePermissions.fromString("rw-------"));
            String quiet =
                    cli.ok("check", "./demo.bsl", "--passphrase-file", "./pass").err();
            assertFalse(quiet.contains("may be used by others"), quiet);
            Files.setPosixFilePermissions(cli.path("pass"), PosixFilePermissions.fromString("rw-r--r--"));
            String warning =
                    cli.ok("check", "./demo.bsl", "--passphrase-file", "./pass").err();
            assertTrue(warning.contains(" may be used by others (mode 644): chmod 600 " + cli.path("pass")), warning);
            Cli.Result wrong = cli.run("check", "./demo.bsl", "--passphrase-file", "./other");
            assertEquals(ExitCode.WRONG_KEY.number(), wrong.exitCode(), wrong.all());
            assertFalse(cli.everythingPrinted().contains("battery"), "a passphrase was printed");
            assertFalse(cli.everythingPrinted().contains("hunter2"), "a passphrase was printed");
        }

        @Test
        void mayBeARecoveryKeyWhichIsShownOnceAndOpensOnlyWhenAskedFor() throws Exception {
            Cli.Result made =
                    cli.ok("create", "./demo.bsl", "--size", "1G", "--key-file", "./demo.key", "--recovery-key");
            Matcher shown = Pattern.compile("(?:[0-9A-Z]{8}-){7}[0-9A-Z]{8}").matcher(made.out());
            assertTrue(shown.find(), made.out());
            // As somebody types it who reads it from paper.
            Files.writeString(
                    cli.path("paper"), shown.group().toLowerCase(Locale.ROOT).replace('-', ' ') + "\n");
            Cli.Result checked = cli.ok("check", "./demo.bsl", "--recovery-key-file", "./paper");
            assertFalse(checked.all().contains(shown.group()));
            assertFalse(cli.ok("info", "./demo.bsl").all().contains(shown.group()));

            Files.writeString(
                    cli.path("paper"),
                    shown.group().replaceFirst("^.", shown.group().startsWith("2") ? "3" : "2"));
            Cli.Result mistyped = cli.run("check", "./demo.bsl", "--recovery-key-file", "./paper");
            assertEquals(ExitCode.KEY_SOURCE.number(), mistyped.exitCode());
            assertTrue(mistyped.err().contains("mistyped in group 1"), mistyped.err());

            Cli.Result kept =
                    cli.run("create", "./x.bsl", "--size", "1G", "--key-file", "./k", "--recovery-key", "--json");
            assertEquals(ExitCode.USAGE.number(), kept.exitCode(), kept.all());
        }

        @Test
        void areNeverPrintedOrLogged() throws Exception {
            create();
            cli.ok("info", "./demo.bsl", "--debug");
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key", "--debug");
            cli.ok("resize", "./demo.bsl", "--size", "2G", "--key-file", "./demo.key", "--state-dir", "./s", "--debug");
            String hex = Files.readString(cli.path("demo.key")).strip();
            byte[] key = HexFormat.of().parseHex(hex);
            String printed = cli.everythingPrinted();
            assertFalse(printed.toLowerCase(Locale.ROOT).contains(hex.toLowerCase(Locale.ROOT)));
            assertFalse(printed.contains(Base64.getEncoder().encodeToString(key).substring(0, 40)));
        }
    }

    @Nested
    class Resize {
        @Test
        void makesAVolumeLargerAndNeverSmaller() throws Exception {
            create();
            cli.ok("resize", "./demo.bsl", "--size", "3G", "--key-file", "./demo.key", "--state-dir", "./s");
            assertEquals(
                    3 * GIB,
                    json("info", "./demo.bsl", "--json").get("sizeBytes").asLong());
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
            Cli.Result shrink =
                    cli.run("resize", "./demo.bsl", "--size", "1G", "--key-file", "./demo.key", "--state-dir", "./s");
            assertEquals(ExitCode.USAGE.number(), shrink.exitCode());
            assertTrue(shrink.err().contains("never shrinks"), shrink.err());
        }
    }

    @Nested
    class BadInput {
        @BeforeEach
        void make() {
            create();
        }

        private void refuses(ExitCode exitCode, String words, String... command) {
            Cli.Result refused = cli.run(command);
            assertEquals(exitCode.number(), refused.exitCode(), refused.all());
            assertTrue(refused.err().contains(words), refused.err());
            assertFalse(refused.err().contains("\tat "), "a stack trace: " + refused.err());
            assertFalse(refused.err().contains("Exception"), refused.err());
        }

        @Test
        void aKeyFileThatIsMissingReadableByOthersOrCutShort() throws Exception {
            refuses(ExitCode.KEY_SOURCE, "none.key", "check", "./demo.bsl", "--key-file", "./none.key");
            Files.setPosixFilePermissions(cli.path("demo.key"), PosixFilePermissions.fromString("rw-r--r--"));
            refuses(ExitCode.KEY_SOURCE, "demo.key", "check", "./demo.bsl", "--key-file", "./demo.key");
            Files.setPosixFilePermissions(cli.path("demo.key"), PosixFilePermissions.fromString("rw-------"));
            String hex = Files.readString(cli.path("demo.key"));
            Files.writeString(cli.path("demo.key"), hex.substring(0, 20));
            refuses(ExitCode.KEY_SOURCE, "demo.key", "check", "./demo.bsl", "--key-file", "./demo.key");
            assertFalse(cli.everythingPrinted().contains(hex.substring(0, 20)), "part of a key was printed");
        }

        @Test
        void anotherVolumesKey() {
            cli.ok("create", "./two.bsl", "--size", "1G", "--key-file", "./two.key");
            refuses(ExitCode.WRONG_KEY, "demo.bsl", "check", "./demo.bsl", "--key-file", "./two.key");
        }

        @Test
        void aFileThatIsNoVolumeOrNotThere() throws Exception {
            byte[] noise = new byte[8 << 20];
            new Random(1).nextBytes(noise);
            Files.write(cli.path("noise"), noise);
            refuses(ExitCode.DAMAGED, "noise", "info", "./noise");
            Files.write(cli.path("empty"), new byte[0]);
            refuses(ExitCode.DAMAGED, "empty", "info", "./empty");
            refuses(ExitCode.FAILURE, "no such file", "info", "./nothing");
            assertArrayEquals(noise, Files.readAllBytes(cli.path("noise")));
        }

        @Test
        void aVolumeThatIsTruncated() throws Exception {
            try (FileChannel file = FileChannel.open(cli.path("demo.bsl"), StandardOpenOption.WRITE)) {
                file.truncate(100 << 20);
            }
            refuses(
                    ExitCode.DAMAGED,
                    "truncated",
                    "resize",
                    "./demo.bsl",
                    "--size",
                    "2G",
                    "--key-file",
                    "./demo.key",
                    "--state-dir",
                    "./s");
        }

        @Test
        void oneRootDamagedIsToldAndServedFromTheOther() throws Exception {
            overwrite(0);
            Cli.Result info = cli.run("info", "./demo.bsl");
            assertEquals(ExitCode.DAMAGED.number(), info.exitCode());
            assertTrue(info.out().contains("damage"), info.out());
            Cli.Result check = cli.run("check", "./demo.bsl", "--key-file", "./demo.key", "--json");
            JsonNode report = JSON.readTree(check.out());
            assertFalse(report.get("healthy").asBoolean());
            assertFalse(report.get("damaged").asBoolean());
            Cli.Result healed =
                    cli.ok("resize", "./demo.bsl", "--size", "2G", "--key-file", "./demo.key", "--state-dir", "./s");
            assertTrue(healed.err().contains("root A"), healed.err());
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }

        @Test
        void checkRepairsWhatHasAnIntactCopyAndSaysSo() throws Exception {
            overwrite(0);
            assertEquals(
                    ExitCode.USAGE.number(),
                    cli.run("check", "./demo.bsl", "--repair").exitCode(),
                    "without a key");
            Cli.Result repaired =
                    cli.ok("check", "./demo.bsl", "--repair", "--key-file", "./demo.key", "--state-dir", "./s");
            assertTrue(repaired.out().contains("root A"), repaired.out());
            assertTrue(repaired.out().contains("before the repair"), repaired.out());
            assertTrue(repaired.out().contains("nothing is wrong"), repaired.out());
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }

        @Test
        void aHeaderBackupComesBackAfterTheHeadOfTheVolumeIsGone() throws Exception {
            cli.ok("header", "backup", "./demo.bsl", "./demo.header", "--key-file", "./demo.key");
            overwrite(0);
            overwrite(1 << 20);
            assertEquals(
                    ExitCode.DAMAGED.number(),
                    cli.run("check", "./demo.bsl", "--repair", "--key-file", "./demo.key", "--state-dir", "./s")
                            .exitCode(),
                    "nothing is guessed");
            String[] restore = {
                "header",
                "restore",
                "./demo.bsl",
                "./demo.header",
                "--key-file",
                "./demo.key",
                "--state-dir",
                "./s",
                // What is left of the roots might be another volume's.
                "--force"
            };
            Cli.Result refused = cli.run(restore);
            assertTrue(refused.exitCode() != 0, refused.out());
            assertTrue(refused.err().contains("--accept-loss="), refused.err());
            String loss = refused.err().replaceAll("(?s).*(--accept-loss=\\d+).*", "$1");
            Cli.Result restored = cli.ok(
                    Stream.concat(Stream.of(restore), Stream.of(loss, "--json")).toArray(String[]::new));
            assertTrue(JSON.readTree(restored.out()).get("restored").asBoolean(), restored.out());
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }

        @Test
        void bothRootsDamagedIsRefusedAndNothingIsChanged() throws Exception {
            overwrite(0);
            overwrite(1 << 20);
            long before = Files.mismatch(cli.path("demo.bsl"), cli.path("demo.bsl"));
            byte[] head = head();
            refuses(
                    ExitCode.DAMAGED,
                    "demo.bsl",
                    "resize",
                    "./demo.bsl",
                    "--size",
                    "2G",
                    "--key-file",
                    "./demo.key",
                    "--state-dir",
                    "./s");
            assertEquals(-1, before);
            assertArrayEquals(head, head());
        }

        private byte[] head() throws IOException {
            try (var in = Files.newInputStream(cli.path("demo.bsl"))) {
                return in.readNBytes(4 << 20);
            }
        }

        private void overwrite(long offset) throws IOException {
            try (FileChannel file = FileChannel.open(cli.path("demo.bsl"), StandardOpenOption.WRITE)) {
                file.write(java.nio.ByteBuffer.wrap("not a root any more".getBytes()), offset + 100);
            }
        }
    }
}
