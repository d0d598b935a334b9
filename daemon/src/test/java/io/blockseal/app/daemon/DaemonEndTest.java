package io.blockseal.app.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.Cli;
import io.blockseal.app.reload.ConfigSource;
import io.blockseal.audit.AuditField;
import io.blockseal.block.Errno;
import io.blockseal.config.ConfigReader;
import io.blockseal.config.DaemonConfig;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.RawNbd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A daemon is told to stop while something comes to no end: a reload, or requests that wait for a key. */
@Timeout(60)
class DaemonEndTest {
    private final CountDownLatch begun = new CountDownLatch(1);
    private final CountDownLatch over = new CountDownLatch(1);

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() throws Exception {
        cli = new Cli(directory);
        cli.ok("create", "./near.bsl", "--size", "32M", "--key-file", "./near.key");
    }

    private DaemonConfig config() throws Exception {
        cli.configuration("path: ./near.bsl, key-file: ./near.key");
        Path file = cli.path("c.yaml");
        // Whoever waits for the end of ten minutes has failed.
        Files.writeString(file, "storage-seconds: 1\ndrain-seconds: 600\n" + Files.readString(file));
        return ConfigReader.read(file);
    }

    /** A client in the midst of a WRITE whose volume is locked before the payload is there; all of it is by now. */
    private RawNbd waitingForAKey() throws Exception {
        RawNbd nbd = RawNbd.transmitting(cli.path("n.sock"), "near", NbdReplyStyle.SIMPLE);
        nbd.put(0, NbdCommand.READ.code(), 1, 0, 512);
        nbd.send(0, NbdCommand.WRITE.code(), 2, 0, 8192, new byte[4096]);
        // Both came together, so the second is begun when the first is answered.
        assertEquals(0, nbd.reply(1, 512).error());
        assertEquals(0, cli.served("lock", "near").exitCode());
        nbd.out.write(new byte[4096]);
        nbd.out.flush();
        return nbd;
    }

    @Test
    void whoWaitsForAKeyIsToldAtOnce() throws Exception {
        try (Daemon daemon = Daemon.start(config());
                RawNbd nbd = waitingForAKey()) {
            daemon.close();
            assertEquals(Errno.ESHUTDOWN.wireValue(), nbd.reply(2, 0).error());
            assertTrue(nbd.isClosedByServer());
        }
        cli.ok("check", "./near.bsl", "--key-file", "./near.key");
    }

    /** Its client asks the next daemon; an error would have reached whoever uses the disk. */
    @Test
    void whoWaitsForAKeyHearsOfNoErrorBeforeARestart() throws Exception {
        try (Daemon daemon = Daemon.start(config());
                RawNbd nbd = waitingForAKey()) {
            daemon.closeForReturn();
            daemon.close();
            assertTrue(nbd.isClosedByServer(), "no byte comes");
        }
        cli.ok("check", "./near.bsl", "--key-file", "./near.key");
    }

    private ConfigSource endless(DaemonConfig config) {
        return () -> {
            begun.countDown();
            boolean interrupted = false;
            while (over.getCount() > 0) {
                try {
                    over.await();
                } catch (InterruptedException deaf) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            return config;
        };
    }

    @Test
    void theVolumesAreClosedAllTheSame() throws Exception {
        DaemonConfig config = config();
        Daemon daemon = Daemon.start(config, endless(config), () -> 0);
        FutureTask<Boolean> hangup = new FutureTask<>(() -> {
            daemon.reload(AuditField.of("by", "test"));
            return true;
        });
        Thread thread = new Thread(hangup, "hangup");
        thread.start();
        try {
            begun.await();
            daemon.stopReload();
            // Whoever ordered it is to take the daemon down, and does not wait for it either.
            hangup.get();
            daemon.close();
            cli.ok("check", "./near.bsl", "--key-file", "./near.key");
        } finally {
            over.countDown();
        }
    }
}
