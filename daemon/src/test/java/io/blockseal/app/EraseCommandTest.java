package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code erase} on real files, as a user would run it. */
class EraseCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int EXTENT = 64 << 20;

    @TempDir
    private Path directory;

    private final AuditLines audit = AuditLines.listen();
    private Cli cli;
    private String uuid = "";

    @BeforeEach
    void create() throws Exception {
        cli = new Cli(directory);
        cli.ok("create", "./demo.bsl", "--size", "64M", "--label", "demo", "--key-file", "./demo.key");
        uuid = JSON.readTree(cli.ok("info", "./demo.bsl", "--json").out())
                .get("uuid")
                .asText();
    }

    @AfterEach
    void stopListening() {
        audit.close();
    }

    private JsonNode evidence(String name) throws Exception {
        return JSON.readTree(cli.path(name).toFile());
    }

    /** The wrapped keys of both key slot areas, whose places docs/format.md gives. */
    private List<byte[]> wrappedKeys(String volume) throws Exception {
        List<byte[]> found = new ArrayList<>();
        try (RandomAccessFile file = new RandomAccessFile(cli.path(volume).toFile(), "r")) {
            for (long area : new long[] {64 << 10, (1 << 20) + (64 << 10)}) {
                for (int slot = 0; slot < 16; slot++) {
                    byte[] bytes = new byte[1024];
                    file.seek(area + slot * 1024L);
                    file.readFully(bytes);
                    if (bytes[2] != 0) {
                        found.add(Arrays.copyOfRange(bytes, 0x200, 0x200 + 40));
                        // A passphrase's salt: tag 4, length 32, somewhere in the parameters.
                        if (bytes[0] == 2) {
                            found.add(Arrays.copyOfRange(bytes, 0x180 + 20, 0x180 + 52));
                        }
                    }
                }
            }
        }
        return found;
    }

    private boolean imageHolds(String volume, byte[] needle) throws Exception {
        byte[] image = Files.readAllBytes(cli.path(volume));
        for (int at = 0; at <= image.length - needle.length; at++) {
            if (image[at] == needle[0] && Arrays.equals(image, at, at + needle.length, needle, 0, needle.length)) {
                return true;
            }
        }
        return false;
    }

    @Nested
    class WithItsUuid {
        @Test
        void leavesNoWrappedKeyAnywhereAndARecordOfIt() throws Exception {
            Files.writeString(cli.path("pass"), "correct horse battery staple\n");
            cli.ok("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-passphrase-file", "./pass");
            List<byte[]> keys = wrappedKeys("demo.bsl");
            assertEquals(6, keys.size(), "two slots, one of them with a salt, in two areas");
            for (byte[] key : keys) {
                assertTrue(imageHolds("demo.bsl", key));
            }
            Cli.Result erased =
                    cli.ok("erase", "./demo.bsl", "--yes-erase", uuid, "--evidence", "./record.json", "--json");
            for (byte[] key : keys) {
                assertFalse(imageHolds("demo.bsl", key));
            }
            byte[] head = Arrays.copyOf(Files.readAllBytes(cli.path("demo.bsl")), EXTENT);
            assertTrue(Arrays.equals(head, new byte[EXTENT]), "something is left in extent 0");
            JsonNode record = evidence("record.json");
            assertEquals(JSON.readTree(erased.out()), record);
            assertEquals("erased", record.get("outcome").asText());
            assertEquals("cryptographic erase", record.get("method").asText());
            assertEquals(uuid, record.get("volume").get("uuid").asText());
            assertEquals("demo", record.get("volume").get("label").asText());
            assertEquals(64L << 20, record.get("volume").get("sizeBytes").asLong());
            assertEquals(2, record.get("keySlots").size());
            assertEquals(
                    "file:" + cli.path("demo.key"),
                    record.get("keySlots").get(0).get("keyId").asText());
            assertTrue(record.get("destroyed")
                    .get("metadata")
                    .get(0)
                    .get("overwrittenAndReadBackAsZeros")
                    .asBoolean());
            assertTrue(remains(record, "Header backups"));
            assertTrue(remains(record, "slot 0 (file"));
            assertTrue(remains(record, "slot 1 (passphrase"));
            assertEquals(
                    "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cli.path("record.json"))));
            assertEquals(1, audit.of(AuditEvent.VOLUME_ERASED).size());
            cli.refused(ExitCode.DAMAGED, "it is erased, or this is not a Blockseal volume", "info", "./demo.bsl");
            cli.refused(
                    ExitCode.DAMAGED,
                    "it is erased, or this is not a Blockseal volume",
                    "check",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key");
        }

        @Test
        void hasToBeRepeatedAfterAPowerCutInTheLastKeySlotsAndTheVolumeSaysSo() throws Exception {
            Files.writeString(cli.path("pass"), "correct horse battery staple\n");
            cli.ok("key", "add", "./demo.bsl", "--key-file", "./demo.key", "--new-passphrase-file", "./pass");
            byte[] second = wrappedKeys("demo.bsl").get(1);
            try (RandomAccessFile file =
                    new RandomAccessFile(cli.path("demo.bsl").toFile(), "rw")) {
                file.seek(64 << 10);
                file.write(new byte[16 << 10]);
                file.seek((1 << 20) + (64 << 10));
                file.write(new byte[1 << 10]);
            }
            assertTrue(imageHolds("demo.bsl", second), "the second key slot is still there");
            cli.refused(
                    ExitCode.DAMAGED,
                    "an erasure that was cut short and has to be repeated (blockseal erase)",
                    "check",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key");
            cli.ok("erase", "./demo.bsl", "--yes-erase", uuid);
            assertFalse(imageHolds("demo.bsl", second));
        }

        @Test
        void reachesDetachedMetadataAndTheMirror() throws Exception {
            cli.ok(
                    "create",
                    "./apart.bsl",
                    "--size",
                    "64M",
                    "--key-file",
                    "./demo.key",
                    "--meta",
                    "./apart.meta",
                    "--meta-mirror",
                    "./apart.mirror");
            String other = JSON.readTree(cli.ok("info", "./apart.bsl", "--meta", "./apart.meta", "--json")
                            .out())
                    .get("uuid")
                    .asText();
            List<byte[]> keys = wrappedKeys("apart.meta");
            assertTrue(imageHolds("apart.mirror", keys.get(0)));
            cli.ok(
                    "erase",
                    "./apart.bsl",
                    "--meta",
                    "./apart.meta",
                    "--meta-mirror",
                    "./apart.mirror",
                    "--yes-erase",
                    other);
            assertFalse(imageHolds("apart.meta", keys.get(0)));
            assertFalse(imageHolds("apart.mirror", keys.get(0)));
        }

        @Test
        void isUndoneByAHeaderBackupAndTheKeyAsTheRecordSays() throws Exception {
            cli.ok("header", "backup", "./demo.bsl", "./demo.header", "--key-file", "./demo.key");
            cli.ok("erase", "./demo.bsl", "--yes-erase", uuid);
            cli.ok("header", "restore", "./demo.bsl", "./demo.header", "--key-file", "./demo.key", "--accept-loss=1");
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }
    }

    private static boolean remains(JsonNode record, String words) {
        return StreamSupport.stream(record.get("remains").spliterator(), false)
                .anyMatch(left -> left.asText().contains(words));
    }

    @Nested
    class WithTheKek {
        @Test
        void destroysTheKeyFileSoThatNoBackupBringsTheVolumeBack() throws Exception {
            cli.ok("header", "backup", "./demo.bsl", "./demo.header", "--key-file", "./demo.key");
            String key = Files.readString(cli.path("demo.key")).strip();
            Cli.Result erased = cli.ok(
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    uuid,
                    "--destroy-kek",
                    "--key-file",
                    "./demo.key",
                    "--evidence",
                    "./record.json");
            assertFalse(Files.exists(cli.path("demo.key")));
            JsonNode kek = evidence("record.json").get("destroyed").get("keks").get(0);
            assertTrue(kek.get("destroyed").asBoolean());
            assertEquals("[0]", kek.get("slots").toString());
            assertFalse(remains(evidence("record.json"), "slot 0"));
            assertFalse(cli.everythingPrinted().contains(key));
            assertFalse(Files.readString(cli.path("record.json")).contains(key));
            assertTrue(erased.out().contains("overwritten with random bytes"), erased.out());
            assertEquals(1, audit.of(AuditEvent.KEK_DESTROYED).size());
        }

        @Test
        void overwritesTheBytesOfTheKeyFileBeforeItIsRemoved() throws Exception {
            byte[] before = Files.readAllBytes(cli.path("demo.key"));
            Path otherName = cli.path("other-name");
            Files.createLink(otherName, cli.path("demo.key"));
            cli.ok("erase", "./demo.bsl", "--yes-erase", uuid, "--destroy-kek", "--key-file", "./demo.key");
            byte[] after = Files.readAllBytes(otherName);
            assertEquals(before.length, after.length);
            assertFalse(Arrays.equals(before, after));
        }

        @Test
        void refusesAKeyOfAnotherVolumeAndASourceThatCannotDestroy() throws Exception {
            cli.ok("create", "./other.bsl", "--size", "64M", "--key-file", "./other.key");
            Files.writeString(cli.path("pass"), "correct horse battery staple\n");
            cli.refused(
                    ExitCode.WRONG_KEY,
                    "opens no key slot",
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    uuid,
                    "--destroy-kek",
                    "--key-file",
                    "./other.key");
            cli.refused(
                    ExitCode.KEY_SOURCE,
                    "cannot destroy its key",
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    uuid,
                    "--destroy-kek",
                    "--passphrase-file",
                    "./pass");
            assertTrue(Files.exists(cli.path("other.key")));
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }

        @Test
        void changesNothingIfTheKeyIsGoneAlready() throws Exception {
            cli.ok("create", "./linked.bsl", "--size", "64M", "--key-file", "./demo.key");
            cli.ok(
                    "erase",
                    "./linked.bsl",
                    "--yes-erase",
                    uuidOf("linked.bsl"),
                    "--destroy-kek",
                    "--key-file",
                    "./demo.key");
            cli.refused(
                    ExitCode.KEY_SOURCE,
                    "does not exist",
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    uuid,
                    "--destroy-kek",
                    "--key-file",
                    "./demo.key");
            assertEquals(uuid, uuidOf("demo.bsl"));
        }
    }

    private String uuidOf(String volume) throws Exception {
        return JSON.readTree(cli.ok("info", "./" + volume, "--json").out())
                .get("uuid")
                .asText();
    }

    @Nested
    class Refuses {
        @Test
        void withoutConfirmationOrWithTheWrongOne() throws Exception {
            cli.refused(ExitCode.USAGE, "--yes-erase UUID", "erase", "./demo.bsl");
            cli.refused(
                    ExitCode.FAILURE,
                    "nothing was erased",
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    "00000000-0000-0000-0000-000000000000");
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }

        @Test
        void whileSomebodyUsesTheVolume() throws Exception {
            // Within one process our own locks do not conflict, so another one holds it.
            Process holder = new ProcessBuilder(
                            "python3",
                            "-c",
                            "import fcntl,sys,time\nf=open(sys.argv[1],'r+b')\nfcntl.lockf(f,fcntl.LOCK_EX)\n"
                                    + "print('held',flush=True)\nsys.stdin.read()",
                            cli.path("demo.bsl").toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try {
                assertEquals('h', holder.getInputStream().read());
                cli.refused(ExitCode.IN_USE, "already open elsewhere", "erase", "./demo.bsl", "--yes-erase", uuid);
            } finally {
                holder.destroy();
                holder.waitFor();
            }
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }

        @Test
        void whenItsRecordCannotBeKept() throws Exception {
            Files.writeString(cli.path("record.json"), "another record");
            cli.refused(
                    ExitCode.FAILURE,
                    "evidence is never overwritten",
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    uuid,
                    "--evidence",
                    "./record.json");
            cli.refused(
                    ExitCode.FAILURE,
                    "so nothing was erased",
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    uuid,
                    "--evidence",
                    "./no/such/folder.json");
            assertEquals("another record", Files.readString(cli.path("record.json")));
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }

        @Test
        void aMirrorThatIsMissingOrAnotherVolumes() throws Exception {
            cli.refused(
                    ExitCode.FAILURE,
                    "no such mirror",
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    uuid,
                    "--meta-mirror",
                    "./no.mirror");
            assertFalse(Files.exists(cli.path("no.mirror")));
            cli.ok(
                    "create",
                    "./other.bsl",
                    "--size",
                    "64M",
                    "--key-file",
                    "./demo.key",
                    "--meta-mirror",
                    "./other.mirror");
            cli.refused(
                    ExitCode.USAGE,
                    "cannot be the metadata mirror",
                    "erase",
                    "./demo.bsl",
                    "--yes-erase",
                    uuid,
                    "--meta-mirror",
                    "./other.mirror");
            cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
        }
    }
}
