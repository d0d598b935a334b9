package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
        Process held = held(socket, "-l", "127.0.0.1:" + port, "--socket-activation");
        try {
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

    /** A daemon that systemd's program starts when somebody comes to {@code socket}; it listens there by now. */
    private Process held(Path socket, String... more) throws Exception {
        List<String> words = new ArrayList<>(List.of("systemd-socket-activate", "-l", socket.toString()));
        List<String> options = new ArrayList<>(List.of(more));
        if (options.get(0).equals("-l")) {
            words.addAll(List.of(options.remove(0), options.remove(0)));
        }
        words.addAll(List.of(
                Blockseal.launcher(),
                "serve",
                folder.resolve("demo.bsl").toString(),
                "--key-file",
                Server.key(folder).toString(),
                "--state-dir",
                folder.resolve("state").toString()));
        words.addAll(options);
        Process held = Tool.builder(words, folder.resolve("out"), folder.resolve("err"))
                .start();
        while (!Files.exists(socket)) {
            assertTrue(!held.waitFor(20, TimeUnit.MILLISECONDS), log());
        }
        return held;
    }

    private String log() throws IOException {
        return Files.readString(folder.resolve("err"));
    }

    /** What clients at the socket would never hear. */
    @Test
    void saysSoWhenItDoesNotServeWhatWasHandedOver() throws Exception {
        Tool.need("systemd-socket-activate");
        Server.create(folder, "64M");
        Path socket = folder.resolve("held.sock");
        Process held = held(socket, "--unix", folder.resolve("own.sock").toString());
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            while (!log().contains("listening on unix socket")) {
                assertTrue(!held.waitFor(20, TimeUnit.MILLISECONDS), log());
            }
            assertTrue(log().contains(" WARN "), log());
            assertTrue(
                    log().contains("socket=" + socket + " name=unknown: systemd has handed it to this process"), log());
            assertTrue(client.isConnected());
        } finally {
            held.destroy();
            assertTrue(held.waitFor(60, TimeUnit.SECONDS));
        }
        assertEquals(0, held.exitValue(), log());
    }

    /** Without a key: it is not asked for before. */
    @Test
    void takesItsOwnSocketForNobodyElses() throws Exception {
        Tool.need("systemd-socket-activate");
        Server.create(folder, "64M");
        Files.delete(Server.key(folder));
        Path socket = folder.resolve("held.sock");
        Process held = held(socket, "--socket-activation", "--unix", socket.toString());
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
            assertTrue(held.waitFor(60, TimeUnit.SECONDS), log());
            assertTrue(client.isConnected());
        } finally {
            held.destroy();
        }
        assertEquals(2, held.exitValue(), log());
        assertTrue(
                log().contains("cannot listen on unix socket " + socket
                        + ": systemd has opened it for this process already"),
                log());
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
