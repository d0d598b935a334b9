package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that rotate and destroy DEKs, on real files, as a user would give them. */
class RangeCommandsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MIB = 1 << 20;
    private static final int RANGE = 64 * MIB;

    @TempDir
    private Path directory;

    private Cli cli;

    /** Two ranges, the second not whole, with some data in each. */
    @BeforeEach
    void fillAVolume() throws Exception {
        cli = new Cli(directory);
        Random random = new Random(42);
        try (RandomAccessFile image = new RandomAccessFile(cli.path("disk.img").toFile(), "rw")) {
            image.setLength(RANGE + 16 * MIB);
            for (int at : new int[] {0, 5 * MIB + 100, RANGE - 4096, RANGE + 7 * MIB}) {
                byte[] data = new byte[200_000];
                random.nextBytes(data);
                image.seek(at);
                image.write(data);
            }
        }
        ok("import", "./disk.img", "./demo.bsl", "--create", "--no-verify");
    }

    private Cli.Result run(String... words) {
        String[] all = Arrays.copyOf(words, words.length + 4);
        all[words.length] = "--key-file";
        all[words.length + 1] = "./demo.key";
        all[words.length + 2] = "--state-dir";
        all[words.length + 3] = "./state";
        return cli.run(all);
    }

    private Cli.Result ok(String... words) {
        Cli.Result result = run(words);
        assertEquals(0, result.exitCode(), result.all());
        return result;
    }

    private void refused(String what, String... words) {
        Cli.Result result = run(words);
        assertEquals(ExitCode.USAGE.number(), result.exitCode(), result.all());
        assertTrue(result.all().contains(what), result.all());
    }

    private void requireSameAsImage(String copy) throws Exception {
        ok("export", "./demo.bsl", copy, "--no-verify");
        assertEquals(-1, Files.mismatch(cli.path("disk.img"), cli.path(copy.substring(2))));
    }

    @Nested
    class RotateDek {
        @Test
        void keepsWhatIsThereAndTellsHowMuchWasDone() throws Exception {
            Cli.Result rotated = ok("rotate-dek", "./demo.bsl", "--all");
            assertTrue(rotated.out().contains("2 ranges have a new DEK"), rotated.out());
            requireSameAsImage("./first.img");
            JsonNode document =
                    JSON.readTree(ok("rotate-dek", "./demo.bsl", "--range", "1", "--json", "--rate", "10GiB/s")
                            .out());
            assertEquals(1, document.get("rotatedRanges").asInt());
            assertEquals(RANGE, document.get("copiedBytes").asLong());
            requireSameAsImage("./second.img");
            ok("check", "./demo.bsl");
        }

        @Test
        void leavesYoungDeksAlone() throws Exception {
            assertTrue(
                    ok("rotate-dek", "./demo.bsl", "--older-than", "1d").out().contains("no range has"));
            assertTrue(ok("rotate-dek", "./demo.bsl", "--made-before", "2020-01-01T00:00:00Z")
                    .out()
                    .contains("no range has"));
            assertTrue(ok("rotate-dek", "./demo.bsl", "--made-before", "2020-01-01")
                    .out()
                    .contains("nothing was due, no range has"));
            Instant soon = Instant.now().plusSeconds(60);
            assertTrue(ok("rotate-dek", "./demo.bsl", "--made-before", soon.toString(), "--range", "0-0")
                    .out()
                    .contains("1 range has a new DEK"));
        }

        @Test
        void replacesDeksThatHaveEncipheredMuch() throws Exception {
            JsonNode ranges = JSON.readTree(
                            ok("info", "./demo.bsl", "--ranges", "--json").out())
                    .get("ranges");
            long much = ranges.get(0).get("encryptedBytes").asLong();
            assertTrue(much > ranges.get(1).get("encryptedBytes").asLong(), ranges.toString());
            assertTrue(ok("rotate-dek", "./demo.bsl", "--enciphered", "" + (much + 1))
                    .out()
                    .contains("no range has"));
            assertTrue(ok("rotate-dek", "./demo.bsl", "--enciphered", "" + much, "--older-than", "1d")
                    .out()
                    .contains("1 range has a new DEK"));
            ranges = JSON.readTree(
                            ok("info", "./demo.bsl", "--ranges", "--json").out())
                    .get("ranges");
            assertEquals(2, ranges.get(0).get("generation").asInt());
            assertEquals(1, ranges.get(1).get("generation").asInt());
            requireSameAsImage("./copy.img");
        }

        @Test
        void refusesWhatMakesNoSense() {
            refused("name the ranges to rotate", "rotate-dek", "./demo.bsl");
            refused("name the ranges to rotate", "rotate-dek", "./demo.bsl", "--all", "--enciphered", "1T");
            refused("--enciphered", "rotate-dek", "./demo.bsl", "--enciphered", "much");
            refused("name the ranges to rotate", "rotate-dek", "./demo.bsl", "--all", "--range", "1");
            refused("name one", "rotate-dek", "./demo.bsl", "--older-than", "1d", "--made-before", "x");
            refused("has the ranges 0 to 1", "rotate-dek", "./demo.bsl", "--range", "1-2");
            refused("ends before it begins", "rotate-dek", "./demo.bsl", "--range", "1-0");
            refused("names no ranges", "rotate-dek", "./demo.bsl", "--range", "one");
            for (String age : new String[] {"90", "d", "", "-1d", "9999999999999999999d", "99999999999999999d", "1y"}) {
                refused("is not an age", "rotate-dek", "./demo.bsl", "--older-than", age);
            }
            refused("is neither a day such as", "rotate-dek", "./demo.bsl", "--made-before", "yesterday");
            refused("--rate", "rotate-dek", "./demo.bsl", "--all", "--rate", "fast");
            refused("nothing would ever be done", "rotate-dek", "./demo.bsl", "--all", "--rate", "0/s");
        }
    }

    @Nested
    class Shred {
        @Test
        void leavesZerosAndWhatLiesBeside() throws Exception {
            Cli.Result shredded = ok("shred", "./demo.bsl", "--range", "0");
            assertTrue(shredded.out().contains("1 DEK is destroyed; range 0 reads as zeros"), shredded.out());
            JsonNode again = JSON.readTree(
                    ok("shred", "./demo.bsl", "--range", "0-0", "--json").out());
            assertEquals(0, again.get("destroyedDeks").asInt());
            ok("export", "./demo.bsl", "./left.img", "--no-verify");
            byte[] left = Files.readAllBytes(cli.path("left.img"));
            byte[] image = Files.readAllBytes(cli.path("disk.img"));
            Arrays.fill(image, 0, RANGE, (byte) 0);
            assertEquals(-1, Arrays.mismatch(image, left));
        }

        @Test
        void refusesRangesThatAreNotThere() {
            refused("has the ranges 0 to 1", "shred", "./demo.bsl", "--range", "0-2");
            refused("names no ranges", "shred", "./demo.bsl", "--range", "0,1");
        }
    }
}
