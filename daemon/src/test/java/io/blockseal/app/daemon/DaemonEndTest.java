package io.blockseal.app.daemon;

import io.blockseal.app.Cli;
import io.blockseal.app.reload.ConfigSource;
import io.blockseal.audit.AuditField;
import io.blockseal.config.ConfigReader;
import io.blockseal.config.DaemonConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A daemon is told to stop while it loads its configuration again and comes to no end with that. */
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
        Files.writeString(file, "storage-seconds: 1\n" + Files.readString(file));
        return ConfigReader.read(file);
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
