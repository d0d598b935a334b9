package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** qemu's block layer as a client: patterns, maps, conversion. */
class QemuToolsIT {
    @TempDir
    Path folder;

    @BeforeEach
    void programs() {
        Tool.need("qemu-io", "qemu-img");
    }

    /** Where the volume is. */
    Path folder() {
        return folder;
    }

    /** Serves it to these clients. */
    void serve(Server.Use clients) throws Exception {
        try (Server server = Server.start(folder)) {
            clients.by(server);
        }
    }

    private static Tool.Result qemuIo(Server server, String... commands) {
        String[] words = new String[4 + 2 * commands.length];
        words[0] = "qemu-io";
        words[1] = "-f";
        words[2] = "raw";
        for (int i = 0; i < commands.length; i++) {
            words[3 + 2 * i] = "-c";
            words[4 + 2 * i] = commands[i];
        }
        words[words.length - 1] = server.uri();
        Tool.Result result = Tool.run((Object[]) words);
        assertTrue(!result.all().contains("Pattern verification failed"), result.all());
        return result.ok();
    }

    @Test
    void patternsOfEverySizeAndAlignmentReadBack() throws Exception {
        Server.create(folder(), "1G");
        serve(server -> {
            qemuIo(
                    server,
                    "write -P 0x11 0 64k",
                    "write -P 0x22 4k 512",
                    "write -P 0x33 67108352 1k",
                    "write -P 0x44 500M 32M",
                    "write -z 501M 3M",
                    "discard 510M 1M",
                    "write -f -P 0x55 1073737728 4k",
                    "flush",
                    "read -P 0x11 0 4k",
                    "read -P 0x22 4k 512",
                    "read -P 0x11 4608 59k",
                    "read -P 0x33 67108352 1k",
                    "read -P 0x44 500M 1M",
                    "read -P 0 501M 3M",
                    "read -P 0x44 504M 6M",
                    "read -P 0 510M 1M",
                    "read -P 0x55 1073737728 4k",
                    "read -P 0 100M 32M",
                    "write -z -u 0 512M",
                    "read -P 0 0 32M");
        });
        serve(again -> {
            qemuIo(again, "read -P 0x44 512M 20M", "read -P 0x55 1073737728 4k", "read -P 0 0 32M");
        });
    }

    @Test
    void aVolumeOfSmallUnitsServesTheSame() throws Exception {
        Server.create(folder(), "256M", "--unit-size", "512");
        serve(server -> {
            qemuIo(
                    server,
                    "write -P 0x11 0 1M",
                    "write -P 0x22 512 512",
                    "read -P 0x11 0 512",
                    "read -P 0x22 512 512",
                    "read -P 0x11 1k 1023k",
                    "read -P 0 1M 4M");
        });
    }

    @Test
    void convertAndMapKeepHolesAndContents() throws Exception {
        Path image = folder().resolve("in.qcow2");
        Tool.run("qemu-img", "create", "-q", "-f", "qcow2", image, "256M").ok();
        Tool.run("qemu-io", "-c", "write -P 0xab 10M 5M", "-c", "write -P 0xcd 200M 1M", image)
                .ok();
        Server.create(folder(), "256M");
        serve(server -> {
            Tool.run("qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw", image, server.uri())
                    .ok();
            Tool.run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", image, server.uri())
                    .ok();
            JsonNode map = new ObjectMapper()
                    .readTree(Tool.run("qemu-img", "map", "--output=json", "-f", "raw", server.uri())
                            .ok()
                            .out());
            long data = 0;
            for (JsonNode extent : map) {
                data += extent.path("data").asBoolean() ? extent.path("length").asLong() : 0;
            }
            assertEquals(6L << 20, data, map::toString);
            Path out = folder().resolve("out.raw");
            Tool.run("qemu-img", "convert", "-f", "raw", "-O", "raw", server.uri(), out)
                    .ok();
            Tool.run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", image, out)
                    .ok();
            assertTrue(NbdToolsIT.allocated(out) < 16 << 20);
        });
        assertTrue(Files.size(folder().resolve("demo.bsl")) >= 256 << 20);
    }
}
