package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** systemd's own program opens the sockets, and starts the daemon when the first client knocks. */
@Timeout(120)
class SocketActivationIT {
    @TempDir
    private Path folder;

    @Test
    void clientsKnockBeforeThereIsADaemon() throws Exception {
        Tool.need("systemd-socket-activate", "qemu-io", "nbdinfo");
        Server.create(folder, "64M");
        int port = Ports.free();
        Path socket = folder.resolve("held.sock");
        Process held = Tool.builder(
                        List.of(
                                "systemd-socket-activate",
                                "-l",
                                socket.toString(),
                                "-l",
                                "127.0.0.1:" + port,
                                Blockseal.launcher(),
                                "serve",
                                folder.resolve("demo.bsl").toString(),
                                "--key-file",
                                Server.key(folder).toString(),
                                "--state-dir",
                                folder.resolve("state").toString(),
                                "--socket-activation"),
                        folder.resolve("out"),
                        folder.resolve("err"))
                .start();
        try {
            while (!Files.exists(socket)) {
                assertTrue(!held.waitFor(20, TimeUnit.MILLISECONDS), Files.readString(folder.resolve("err")));
            }
            String unix = "nbd+unix:///demo?socket=" + socket;
            Tool.run("qemu-io", "-f", "raw", "-c", "write -P 9 1M 64k", unix).ok();
            Tool.run("qemu-io", "-f", "raw", "-c", "read -P 9 1M 64k", "nbd://127.0.0.1:" + port + "/demo")
                    .ok();
            assertEquals(
                    "67108864", Tool.run("nbdinfo", "--size", unix).ok().out().strip());
            String said = Files.readString(folder.resolve("out"));
            assertTrue(said.contains(unix) && said.contains("nbd://127.0.0.1:" + port + "/demo"), said);
        } finally {
            held.destroy();
            assertTrue(held.waitFor(60, TimeUnit.SECONDS));
        }
        assertEquals(0, held.exitValue(), Files.readString(folder.resolve("err")));
        assertTrue(Files.exists(socket), "it belongs to whoever made it");
    }

    @Test
    void saysSoWhenNothingWasHandedOver() {
        Server.create(folder, "64M");
        Tool.Result refused = Blockseal.run(
                "serve", folder.resolve("demo.bsl"), "--key-file", Server.key(folder), "--socket-activation");
        assertEquals(5, refused.exit(), refused.all());
        assertTrue(refused.err().contains("no socket was handed to this process"), refused.all());
    }
}
