package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code import} and {@code export} on real files, as a user would give them. */
class TransferCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MIB = 1 << 20;
    private static final int SIZE = 80 * MIB;

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void makeAnImage() throws Exception {
        cli = new Cli(directory);
        Random random = new Random(42);
        try (RandomAccessFile image = new RandomAccessFile(cli.path("disk.img").toFile(), "rw")) {
            image.setLength(SIZE);
            for (int at : new int[] {0, 5 * MIB + 100, 64 * MIB - 4096, 79 * MIB}) {
                byte[] data = new byte[8192];
                random.nextBytes(data);
                image.seek(at);
                image.write(data);
            }
        }
    }

    private static String[] with(String key, String... words) {
        String[] all = java.util.Arrays.copyOf(words, words.length + 4);
        all[words.length] = "--key-file";
        all[words.length + 1] = key;
        all[words.length + 2] = "--state-dir";
        all[words.length + 3] = "./state";
        return all;
    }

    private String sha256(String name) throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(cli.path(name))));
    }

    @Nested
    class ThereAndBack {
        @Test
        void theCopyIsTheSameSparseAndItsOwnersAlone() throws Exception {
            JsonNode in = JSON.readTree(cli.ok(with("./k", "import", "./disk.img", "./demo.bsl", "--create", "--json"))
                    .out());
            assertEquals(sha256("disk.img"), in.get("sourceSha256").asText());
            assertEquals(sha256("disk.img"), in.get("targetSha256").asText());
            assertTrue(in.get("dataBytes").asLong() < MIB, in::toString);
            Cli.Result out = cli.ok(with("./k", "export", "./demo.bsl", "./copy.img"));
            assertTrue(out.out().contains("sha256 as read back  " + sha256("disk.img")), out.out());
            assertEquals(sha256("disk.img"), sha256("copy.img"));
            assertEquals(
                    "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(cli.path("copy.img"))));
            try (var state = Files.list(cli.path("state"))) {
                assertTrue(state.noneMatch(file -> file.toString().endsWith(".checkpoint")), "nothing is left over");
            }
        }

        @Test
        void aLargerVolumeTakesItAndASmallerDoesNot() throws Exception {
            cli.ok("create", "./large.bsl", "--size", "1G", "--key-file", "./k");
            cli.ok(with("./k", "import", "./disk.img", "./large.bsl", "--no-verify"));
            cli.ok(with("./k", "export", "./large.bsl", "./large.img"));
            assertEquals(1L << 30, Files.size(cli.path("large.img")));
            assertEquals(-1, prefixMismatch("disk.img", "large.img"));
            cli.ok("create", "./small.bsl", "--size", "64M", "--key-file", "./k");
            cli.refused(ExitCode.FAILURE, "too small", with("./k", "import", "./disk.img", "./small.bsl"));
        }

        private long prefixMismatch(String shorter, String longer) throws Exception {
            long at = Files.mismatch(cli.path(shorter), cli.path(longer));
            return at == Files.size(cli.path(shorter)) ? -1 : at;
        }
    }

    @Nested
    class Refusals {
        @Test
        void nothingIsOverwrittenUnlessForced() throws Exception {
            cli.ok(with("./k", "import", "./disk.img", "./demo.bsl", "--create"));
            cli.refused(ExitCode.FAILURE, "it is not empty", with("./k", "import", "./disk.img", "./demo.bsl"));
            cli.ok(with("./k", "import", "./disk.img", "./demo.bsl", "--force"));
            cli.refused(ExitCode.FAILURE, "exists already", with("./k", "export", "./demo.bsl", "./disk.img"));
            Files.writeString(cli.path("old"), "old");
            cli.ok(with("./k", "export", "./demo.bsl", "./old", "--force"));
            assertEquals(sha256("disk.img"), sha256("old"));
        }

        @Test
        void whatMakesNoSenseIsSaidBeforeAnythingHappens() {
            cli.refused(ExitCode.USAGE, "--create", with("./k", "import", "./disk.img", "./demo.bsl", "--size", "1G"));
            cli.refused(
                    ExitCode.USAGE,
                    "name one of the two",
                    with("./k", "import", "./disk.img", "./demo.bsl", "--resume", "--force"));
            cli.refused(ExitCode.FAILURE, "no such file or device", with("./k", "import", "./gone", "./demo.bsl"));
            cli.refused(
                    ExitCode.USAGE,
                    "--source-format",
                    with("./k", "import", "./disk.img", "./demo.bsl", "--source-passphrase-file", "./k"));
            cli.refused(
                    ExitCode.USAGE,
                    "its server",
                    "import",
                    "./disk.img",
                    "nbd+unix:///x?socket=/nowhere",
                    "--key-file",
                    "./k");
            cli.refused(ExitCode.FAILURE, "cannot connect", "import", "./disk.img", "nbd+unix:///x?socket=/nowhere");
            cli.refused(ExitCode.USAGE, "not an NBD address", "import", "./disk.img", "nbd:x");
            assertFalse(Files.exists(cli.path("demo.bsl")));
        }

        @Test
        void whatSomebodyHasOpenIsNotEmptied() throws Exception {
            cli.ok(with("./k", "import", "./disk.img", "./demo.bsl", "--create"));
            for (String format : List.of("raw", "qcow2")) {
                cli.refused(
                        ExitCode.IN_USE,
                        "already open in this process",
                        with("./k", "export", "./demo.bsl", "./demo.bsl", "--force", "--target-format", format));
            }
            cli.ok(with("./k", "export", "./demo.bsl", "./copy.img"));
            assertEquals(sha256("disk.img"), sha256("copy.img"));
        }

        @Test
        void aVolumeCannotBeImportedIntoItself() {
            cli.ok(with("./k", "import", "./disk.img", "./demo.bsl", "--create"));
            cli.refused(
                    ExitCode.IN_USE,
                    "already open in this process",
                    with("./k", "import", "./demo.bsl", "./demo.bsl", "--force"));
            cli.refused(
                    ExitCode.IN_USE,
                    "already open in this process",
                    with("./k", "import", "./demo.bsl", "./demo.bsl", "--force", "--source-format", "qcow2"));
        }
    }
}
