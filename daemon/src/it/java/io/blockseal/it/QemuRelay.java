package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A QEMU between the daemon, to which it connects again by itself, and clients that do not: it offers the daemon's export to
 * them under the name {@code disk}.
 */
final class QemuRelay implements AutoCloseable {
    private static final long LIMIT_SECONDS = 60;

    private final Process qemu;

    private QemuRelay(Process qemu) {
        this.qemu = qemu;
    }

    /**
     * Skips the test if there is no such QEMU.
     *
     * @param server where the export is, as QEMU's options say it, such as {@code server.type=unix,server.path=demo.sock}
     * @param offer where clients find it, likewise, such as {@code addr.type=unix,addr.path=relay.sock}
     */
    static QemuRelay open(Path folder, String server, String export, String offer) throws Exception {
        Tool.need("qemu-storage-daemon");
        Path ready = folder.resolve("relay.pid");
        Path said = folder.resolve("relay.err");
        List<String> words = List.of(
                "qemu-storage-daemon",
                "--blockdev",
                "node-name=disk,driver=nbd,export=" + export + ",reconnect-delay=60," + server,
                "--nbd-server",
                offer,
                "--export",
                "type=nbd,id=e,node-name=disk,name=disk,writable=on",
                "--pidfile",
                ready.toString());
        Process qemu = Tool.builder(words, folder.resolve("relay.out"), said).start();
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        // It writes that when everything else is there.
        while (!Files.exists(ready)) {
            assertFalse(qemu.waitFor(20, TimeUnit.MILLISECONDS), Files.readString(said));
            assertTrue(System.nanoTime() < deadline, "the relay does not begin");
        }
        return new QemuRelay(qemu);
    }

    @Override
    public void close() throws InterruptedException {
        qemu.destroyForcibly().waitFor();
    }
}
