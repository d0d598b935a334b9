package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.format.MetadataLayout;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code check} by the daemon that serves the volume; what it finds there is LiveCheckTest's. */
@Timeout(120)
class ControlCheckTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() throws Exception {
        cli = new Cli(directory);
        byte[] image = new byte[1 << 20];
        image[4096] = 1;
        Files.write(cli.path("image"), image);
        cli.ok("create", "./demo.bsl", "--size", "256M", "--key-file", "./demo.key");
        cli.ok("create", "./other.bsl", "--size", "64M", "--key-file", "./other.key");
        cli.ok("import", "./image", "./demo.bsl", "--key-file", "./demo.key");
    }

    private Daemon serve() throws Exception {
        return Daemon.start(cli.configuration("path: ./demo.bsl, key-file: ./demo.key"));
    }

    private Cli.Result served(String... words) {
        return cli.served(words);
    }

    private void damage(long offset) throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(cli.path("demo.bsl").toFile(), "rw")) {
            file.seek(offset);
            int was = file.read();
            file.seek(offset);
            file.write(was ^ 0x40);
        }
    }

    @Test
    void saysOfAGoodVolumeWhatItSaysOfOneThatIsNotServed() throws Exception {
        String text;
        String json;
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            text = served("check", "./demo.bsl").out();
            json = served("check", "./demo.bsl", "--json", "--key-file", "./demo.key")
                    .out();
            assertEquals(
                    ExitCode.WRONG_KEY.number(),
                    served("check", "demo", "--key-file", "./other.key").exitCode());
            String job = served("check", "demo", "--detach").out().strip();
            assertEquals(0, served("job", "watch", job).exitCode());
        }
        assertEquals(cli.ok("check", "./demo.bsl", "--key-file", "./demo.key").out(), text);
        assertEquals(
                cli.ok("check", "./demo.bsl", "--key-file", "./demo.key", "--json")
                        .out(),
                json);
    }

    @Test
    void namesWhatIsDamagedOnTheDiskAndRepairsIt() throws Exception {
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            damage(MetadataLayout.rootOffset(1) + 99);
            damage(MetadataLayout.pageOffsetInExtent(0, 0) + 99);
            Cli.Result found = served("check", "demo");
            assertEquals(ExitCode.DAMAGED.number(), found.exitCode(), found.all());
            assertTrue(found.out().contains("repairable: root B: is not the daemon's"), found.all());
            assertTrue(found.out().contains("repairable: table page 0 copy A: "), found.all());
            assertTrue(found.out().contains("whole in the daemon's memory; --repair writes it anew"), found.all());
            JsonNode report = JSON.readTree(served("check", "demo", "--json").out());
            assertFalse(report.get("healthy").asBoolean());
            assertEquals(2, report.get("findings").size(), report.toString());
            Cli.Result repaired = served("check", "demo", "--repair");
            assertEquals(0, repaired.exitCode(), repaired.all());
            assertTrue(repaired.out().contains("after the repair:\ndemo: nothing is wrong"), repaired.all());
        }
        cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
    }
}
