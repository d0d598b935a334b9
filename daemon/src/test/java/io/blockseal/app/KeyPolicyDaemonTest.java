package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.file.FileKeySource;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.CreateOptions;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose configuration limits the age of keys, serving a volume whose keys are years old. */
@Timeout(120)
class KeyPolicyDaemonTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** A chunk takes a minute: a job is at its first one whenever the test looks. */
    private static final String SLOW = "1K";

    private final VolumeFixture fixture = new VolumeFixture();

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void makeAnOldVolume() throws Exception {
        cli = new Cli(directory);
        cli.ok("create", "./new.bsl", "--size", "64M", "--key-file", "./demo.key");
        KeySource key = FileKeySource.ofFile(cli.path("demo.key"), fixture.engine());
        MemoryStore store = new MemoryStore("demo", 0);
        // More chunks than are copied while a range is held, which no rate slows down.
        fixture.creator()
                .create(
                        VolumeStores.inBand(store),
                        List.of(key),
                        CreateOptions.ofSize(3 << 20).withSmallRanges(1 << 20));
        try (Volume volume = fixture.opener().open(VolumeStores.inBand(store), List.of(key), OpenOptions.DEFAULT)) {
            fixture.write(volume, 0, 7);
        }
        byte[] image = new byte[(int) store.sizeBytes()];
        store.read(0, ByteBuffer.wrap(image));
        Files.write(cli.path("demo.bsl"), image);
    }

    private Daemon serve(String policy) throws Exception {
        return serve("demo.bsl", policy);
    }

    private Daemon serve(String volume, String policy) throws Exception {
        return Daemon.start(cli.configuration("path: ./" + volume + ", key-file: ./demo.key, " + policy));
    }

    private JsonNode jobs() throws Exception {
        return JSON.readTree(
                        cli.ok("job", "list", "--json", "--control", "./c.sock").out())
                .get("jobs");
    }

    /** The first look is made on a thread of its own. */
    private JsonNode firstJob() throws Exception {
        JsonNode jobs = jobs();
        while (jobs.isEmpty()) {
            Thread.onSpinWait();
            jobs = jobs();
        }
        return jobs.get(0);
    }

    private int generation(int range) throws Exception {
        return JSON.readTree(cli.ok("info", "./demo.bsl", "--ranges", "--json", "--key-file", "./demo.key")
                        .out())
                .get("ranges")
                .get(range)
                .get("generation")
                .asInt();
    }

    @Test
    void replacesThemWithoutAnybodyAsking() throws Exception {
        try (Daemon daemon = serve("max-key-age: 365d")) {
            assertTrue(daemon.addresses().contains("n.sock"));
            JsonNode job = firstJob();
            assertEquals("rotate-dek", job.get("verb").asText());
            assertEquals("policy max-key-age", job.get("by").asText());
            String id = job.get("id").asText();
            assertTrue(cli.ok("job", "watch", id, "--control", "./c.sock").all().contains("3 ranges have a new DEK"));
        }
        assertEquals(2, generation(0));
        assertEquals(2, generation(2));
        cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
    }

    @Test
    void keepsAPausedJobPausedOverARestartAndTakesTheRateAsItIsNow() throws Exception {
        String id;
        try (Daemon daemon = serve("max-key-age: 365d, rotation-rate: " + SLOW)) {
            assertTrue(daemon.addresses().contains("n.sock"));
            id = firstJob().get("id").asText();
            cli.ok("job", "pause", id, "--control", "./c.sock");
        }
        assertEquals(1, generation(0));
        try (Daemon daemon = serve("max-key-age: 365d, rotation-rate: off")) {
            assertTrue(daemon.addresses().contains("n.sock"));
            assertEquals(1, jobs().size());
            assertEquals("paused", firstJob().get("state").asText());
            assertEquals("policy max-key-age", firstJob().get("by").asText());
            cli.ok("job", "resume", id, "--control", "./c.sock");
            cli.ok("job", "watch", id, "--control", "./c.sock");
        }
        assertEquals(2, generation(0));
    }

    @Test
    void letsItBeWhenTheConfigurationHasNoLimitAnyMore() throws Exception {
        try (Daemon daemon = serve("max-key-age: 365d, rotation-rate: " + SLOW)) {
            assertTrue(daemon.addresses().contains("n.sock"));
            firstJob();
        }
        Path remembered = cli.path("state").resolve("jobs");
        assertFalse(isEmpty(remembered));
        try (Daemon daemon = serve("max-key-age: off")) {
            assertTrue(daemon.addresses().contains("n.sock"));
            assertTrue(jobs().isEmpty());
        }
        assertTrue(isEmpty(remembered));
        assertEquals(1, generation(0));
    }

    private static boolean isEmpty(Path directory) throws Exception {
        try (var files = Files.list(directory)) {
            return files.findAny().isEmpty();
        }
    }

    @Test
    void refusesALimitOnBytesThatARotationWouldSoonReach() {
        cli.ok("create", "./large.bsl", "--size", "1G", "--range-size", "256M", "--key-file", "./demo.key");
        CommandException refused =
                assertThrows(CommandException.class, () -> serve("large.bsl", "max-bytes-per-key: 3G"));
        assertEquals(ExitCode.CONFIG, refused.exitCode());
        assertTrue(refused.getMessage().contains("Give at least 4G"), refused.getMessage());
    }
}
