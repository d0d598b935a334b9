package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that nobody here wrote use the in-memory disk; a program that is not installed skips its test. */
@Tag("peer")
@Timeout(120)
class ToolsSmokeTest {
    @TempDir
    Path directory;

    private ServerRig rig;
    private String uri;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
        uri = "nbd+unix:///disk?socket=" + rig.socket;
    }

    @AfterEach
    void stop() throws Exception {
        rig.closeWithEverythingBack();
    }

    private String run(String... command) throws IOException, InterruptedException {
        Assumptions.assumeTrue(NbdPeer.hasProgram(command[0]), command[0] + " is not installed");
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> String.join(" ", command) + "\n" + output);
        return output;
    }

    @Test
    void nbdinfoSeesTheExport() throws Exception {
        String json = run("nbdinfo", "--json", uri);
        for (String word : List.of("\"disk\"", "thirty-two MiB", "base:allocation", "\"export-size\": 33554432")) {
            assertTrue(json.contains(word), json);
        }
        String list = run("nbdinfo", "--list", "nbd+unix:///?socket=" + rig.socket);
        assertTrue(list.contains("readonly") && list.contains("big"), list);
    }

    @Test
    void nbdcopyBringsAnImageThereAndBackWithItsHoles() throws Exception {
        byte[] image = new byte[(int) ServerRig.DISK_BYTES];
        byte[] data = new byte[3 << 20];
        new Random(12).nextBytes(data);
        System.arraycopy(data, 0, image, 5 << 20, data.length);
        Path source = Files.write(directory.resolve("source"), image);
        Path target = directory.resolve("target");
        run("nbdcopy", source.toString(), uri);
        String map = run("nbdinfo", "--map", uri);
        assertTrue(map.contains("hole,zero") && map.contains("data"), map);
        run("nbdcopy", uri, target.toString());
        assertArrayEquals(image, Files.readAllBytes(target));
    }

    @Test
    void qemuIoFindsItsPatterns() throws Exception {
        String output = run(
                "qemu-io",
                "-f",
                "raw",
                uri,
                "-c",
                "write -P 0x5a 1000 70000",
                "-c",
                "read -P 0x5a 1000 70000",
                "-c",
                "write -z 2000 5000",
                "-c",
                "read -P 0 2000 5000",
                "-c",
                "discard 1M 4M",
                "-c",
                "read -P 0 1M 4M",
                "-c",
                "flush");
        assertTrue(!output.contains("verification failed"), output);
        byte[] bytes = new byte[70000];
        Arrays.fill(bytes, (byte) 0x5a);
        Arrays.fill(bytes, 1000, 6000, (byte) 0);
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", io.blockseal.nbd.NbdReplyStyle.STRUCTURED)) {
            assertArrayEquals(bytes, nbd.read(1000, 70000).data());
        }
    }

    @Test
    void fioVerifiesWhatItWrote() throws Exception {
        Assumptions.assumeTrue(run("fio", "--enghelp").contains("nbd"), "this fio was built without the nbd engine");
        run(
                "fio",
                "--name=verify",
                "--ioengine=nbd",
                "--uri=" + uri,
                "--size=16m",
                "--rw=randwrite",
                "--bsrange=512-256k",
                "--iodepth=16",
                "--verify=crc32c",
                "--verify_fatal=1",
                "--fsync=8");
    }
}
