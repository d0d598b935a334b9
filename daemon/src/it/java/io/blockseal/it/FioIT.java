package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** fio's checksummed random writes over four connections at once. */
class FioIT {
    @TempDir
    Path folder;

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

    private static JsonNode fio(Server server, String... more) throws Exception {
        String[] words = new String[more.length + 10];
        String[] common = {
            "fio",
            "--name=v",
            "--ioengine=nbd",
            "--uri=" + server.uri(),
            "--rw=randwrite",
            "--verify=crc32c",
            "--verify_fatal=1",
            "--output-format=json",
            "--randseed=42",
            "--iodepth=16"
        };
        System.arraycopy(common, 0, words, 0, common.length);
        System.arraycopy(more, 0, words, common.length, more.length);
        Tool.Result result = Tool.run((Object[]) words);
        assertEquals(0, result.exit(), result.all());
        return new ObjectMapper().readTree(result.out().substring(result.out().indexOf('{')));
    }

    @Test
    void checksumsHoldOverFourConnections() throws Exception {
        Tool.need("fio");
        Server.create(folder(), "512M");
        serve(server -> {
            JsonNode report = fio(
                    server,
                    "--bs=4k",
                    "--size=32M",
                    "--numjobs=4",
                    "--offset_increment=96M",
                    "--fsync=64",
                    "--group_reporting");
            JsonNode job = report.path("jobs").get(0);
            assertEquals(0, job.path("error").asInt());
            assertTrue(job.path("read").path("total_ios").asLong() >= 4 * 8192, "fio did not verify what it wrote");
        });
    }

    @Test
    void checksumsHoldForRequestsThatFitNoUnit() throws Exception {
        Tool.need("fio");
        Server.create(folder(), "512M");
        serve(server -> fio(
                server,
                "--bsrange=512-128k",
                "--bs_unaligned=0",
                "--blockalign=512",
                "--size=48M",
                "--numjobs=4",
                "--offset_increment=100663808"));
    }
}
