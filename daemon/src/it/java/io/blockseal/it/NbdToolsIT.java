package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** libnbd's own tools: what they see, and whole images copied in and out with their holes. */
class NbdToolsIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MIB = 1 << 20;

    @TempDir
    Path folder;

    @BeforeEach
    void programs() {
        Tool.need("nbdinfo", "nbdcopy");
    }

    @Test
    void nbdinfoSeesWhatIsOffered() throws Exception {
        Server.create(folder, "1G", "--label", "books");
        try (Server server = Server.start(folder)) {
            JsonNode seen = JSON.readTree(
                    Tool.run("nbdinfo", "--json", server.uri()).ok().out());
            assertEquals("newstyle-fixed", seen.path("protocol").asText());
            assertTrue(seen.path("structured").asBoolean());
            JsonNode export = seen.path("exports").get(0);
            assertEquals("demo", export.path("export-name").asText());
            assertEquals(1L << 30, export.path("export-size").asLong());
            for (String yes : new String[] {
                "can_flush", "can_fua", "can_trim", "can_zero", "can_multi_conn", "can_df", "can_cache", "can_fast_zero"
            }) {
                assertTrue(export.path(yes).asBoolean(), yes);
            }
            for (String no : new String[] {"is_read_only", "is_rotational"}) {
                assertEquals(false, export.path(no).asBoolean(), no);
            }
            assertEquals(1, export.path("block_size_minimum").asInt());
            assertEquals(4096, export.path("block_size_preferred").asInt());
            assertEquals(32 * MIB, export.path("block_size_maximum").asInt());
            assertTrue(export.path("contexts").toString().contains("base:allocation"));

            JsonNode listed =
                    JSON.readTree(Tool.run("nbdinfo", "--json", "--list", "nbd+unix:///?socket=" + server.socket())
                            .ok()
                            .out());
            assertEquals(
                    "demo", listed.path("exports").get(0).path("export-name").asText());
        }
    }

    @Test
    void aFreshVolumeIsOneHole() throws Exception {
        Server.create(folder, "1T");
        try (Server server = Server.start(folder)) {
            JsonNode map = JSON.readTree(
                    Tool.run("nbdinfo", "--map", "--json", server.uri()).ok().out());
            assertEquals(1, map.size(), map::toString);
            assertEquals(1L << 40, map.get(0).path("length").asLong());
            assertEquals(3, map.get(0).path("type").asInt());
        }
    }

    /** While a client looks, and a range gets another key. */
    @Test
    void nbdinfoMapsWhichGenerationEachRangeIsUnder() throws Exception {
        Server.create(folder, "64M", "--range-size", "16M");
        try (Server server =
                Server.start(folder, "--control", folder.resolve("c.sock").toString())) {
            assertEquals("67108864=0", generations(server));
            Tool.run("qemu-io", "-f", "raw", "-c", "write -P 7 20M 20M", server.uri())
                    .ok();
            assertEquals("67108864=1", generations(server), "neighbours get their keys together");
            Blockseal.run("rotate-dek", "demo", "--range", "2", "--control", folder.resolve("c.sock"))
                    .ok();
            assertEquals("33554432=1 16777216=2 16777216=1", generations(server));
            Tool.run("qemu-io", "-f", "raw", "-c", "read -P 7 20M 20M", server.uri())
                    .ok();
        }
    }

    private static String generations(Server server) throws Exception {
        JsonNode map = JSON.readTree(Tool.run("nbdinfo", "--map=blockseal:dek-generation", "--json", server.uri())
                .ok()
                .out());
        StringBuilder text = new StringBuilder();
        for (JsonNode each : map) {
            text.append(each.path("length").asLong())
                    .append('=')
                    .append(each.path("type").asLong())
                    .append(' ');
        }
        return text.toString().trim();
    }

    @Test
    void nbdcopyBringsASparseImageInAndOutAgain() throws Exception {
        long seed = 20260102;
        System.out.println("seed " + seed);
        Path image = folder.resolve("in.raw");
        byte[] contents = new byte[256 * MIB];
        Random random = new Random(seed);
        for (int piece : new int[] {0, 63, 64, 130, 255}) {
            byte[] data = new byte[MIB];
            random.nextBytes(data);
            System.arraycopy(data, 0, contents, piece * MIB, MIB);
        }
        writeSparse(image, contents);
        Server.create(folder, "256M");
        try (Server server = Server.start(folder)) {
            Tool.run("nbdcopy", image, server.uri()).ok();
            Path copy = folder.resolve("out.raw");
            Tool.run("nbdcopy", server.uri(), copy).ok();
            assertEquals(-1, Files.mismatch(image, copy));
            assertTrue(allocated(copy) <= 16L * MIB, "the copy is not sparse: " + allocated(copy));
            // Metadata takes a few pages; what was a hole in the image must not have been written out.
            long before = allocated(folder.resolve("demo.bsl"));
            assertTrue(before <= 16L * MIB, "the backing file is not sparse: " + before);
            JsonNode map = JSON.readTree(
                    Tool.run("nbdinfo", "--map", "--json", server.uri()).ok().out());
            assertNotEquals(1, map.size());
        }
        try (Server again = Server.start(folder)) {
            Path copy = folder.resolve("again.raw");
            Tool.run("nbdcopy", again.uri(), copy).ok();
            assertEquals(-1, Files.mismatch(image, copy));
        }
    }

    private static void writeSparse(Path file, byte[] contents) throws Exception {
        try (var channel = java.nio.channels.FileChannel.open(
                file, java.nio.file.StandardOpenOption.CREATE_NEW, java.nio.file.StandardOpenOption.WRITE)) {
            byte[] zeros = new byte[MIB];
            for (int at = 0; at < contents.length; at += MIB) {
                byte[] piece = Arrays.copyOfRange(contents, at, at + MIB);
                if (!Arrays.equals(piece, zeros)) {
                    channel.write(java.nio.ByteBuffer.wrap(piece), at);
                }
            }
        }
    }

    static long allocated(Path file) {
        return Long.parseLong(Tool.run("stat", "-c", "%b", file).ok().out().trim()) * 512;
    }
}
