package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon is started anew under a guest's disk: QEMU, told to, connects again and sends again what was not answered, and
 * the guest, here fio, sees a slow moment and no error.
 */
@Timeout(300)
class RestartIT {
    private static final int RESTARTS = 3;

    @TempDir
    private Path folder;

    private final List<Process> started = new ArrayList<>();
    private @Nullable QemuRelay relay;

    @BeforeEach
    void create() {
        Tool.need("fio");
        Server.create(folder, "256M");
    }

    @AfterEach
    void endAll() throws Exception {
        for (Process process : started) {
            process.destroyForcibly().waitFor();
        }
        if (relay != null) {
            relay.close();
        }
    }

    private Process start(String name, String... words) throws Exception {
        Process process = Tool.builder(List.of(words), folder.resolve(name + ".out"), folder.resolve(name + ".err"))
                .start();
        started.add(process);
        return process;
    }

    private String said(String name) throws Exception {
        return Files.readString(folder.resolve(name + ".out")) + Files.readString(folder.resolve(name + ".err"));
    }

    private QemuRelay relay(String server) throws Exception {
        return QemuRelay.open(folder, server, "demo", "addr.type=unix,addr.path=" + folder.resolve("relay.sock"));
    }

    private Process guest() throws Exception {
        return start(
                "fio",
                "fio",
                "--name=v",
                "--ioengine=nbd",
                "--uri=nbd+unix:///disk?socket=" + folder.resolve("relay.sock"),
                "--rw=randrw",
                "--bs=4k",
                "--iodepth=16",
                "--size=64M",
                "--rate_iops=1500",
                "--fsync=256",
                "--verify=crc32c",
                "--verify_fatal=1",
                "--randseed=42",
                "--output-format=json",
                "--output=" + folder.resolve("fio.json"));
    }

    /** Waits until the guest has been served by this one. */
    private static void awaitRequests(int port, Process guest) throws Exception {
        new Metrics(port).awaitAtLeast(200, "blockseal_requests_total", "command=\"write\"");
        assertTrue(guest.isAlive(), "the guest has ended");
    }

    /** Over TCP, whose port is in use for a while after a connection ended. */
    @Test
    void aGuestSeesNoError() throws Exception {
        int port = Ports.free();
        int disk = Ports.free();
        String[] where = {"--admin", "127.0.0.1:" + port, "--listen", "127.0.0.1:" + disk};
        Server server = Server.start(folder, where);
        relay = relay("server.type=inet,server.host=127.0.0.1,server.port=" + disk);
        Process guest = guest();
        for (int i = 0; i < RESTARTS; i++) {
            awaitRequests(port, guest);
            assertEquals(0, server.stopForReturn(), server.log());
            server = Server.start(folder, where);
        }
        awaitRequests(port, guest);
        assertTrue(guest.waitFor(200, TimeUnit.SECONDS), "the guest does not end");
        assertEquals(0, guest.exitValue(), said("fio"));
        String report = Files.readString(folder.resolve("fio.json"));
        JsonNode job = new ObjectMapper()
                .readTree(report.substring(report.indexOf('{')))
                .path("jobs")
                .get(0);
        assertEquals(0, job.path("error").asInt(), report);
        assertEquals(0, job.path("total_err").asInt(), report);
        assertEquals(0, server.stop());
        Blockseal.run("check", folder.resolve("demo.bsl"), "--key-file", Server.key(folder))
                .ok();
    }

    /** Killed, it is the same to them: nothing that was answered to a flush is lost. */
    @Test
    void aGuestSeesNoErrorWhenTheDaemonIsKilledEither() throws Exception {
        int port = Ports.free();
        Server server = Server.start(folder, "--admin", "127.0.0.1:" + port);
        relay = relay("server.type=unix,server.path=" + server.socket());
        Process guest = guest();
        awaitRequests(port, guest);
        server.kill();
        try (Server next = Server.start(folder)) {
            assertTrue(guest.waitFor(200, TimeUnit.SECONDS), "the guest does not end");
            assertEquals(0, guest.exitValue(), said("fio"));
            assertEquals(0, next.stop());
        }
    }
}
