package io.blockseal.app.desk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.Cli;
import io.blockseal.app.MoodyProgram;
import io.blockseal.app.daemon.Daemon;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A daemon is told to stop while an order waits for a key source. */
class StopWhileUnlockingTest {
    @TempDir
    private Path directory;

    /** Within the time that the program gets for its answer, and that orders get to end. */
    @Test
    @Timeout(25)
    void waitsForNoSource() throws Exception {
        Cli cli = new Cli(directory);
        MoodyProgram program = MoodyProgram.in(directory);
        cli.ok("create", "./db.bsl", "--size", "32M", "--key-file", "./db.key");
        cli.ok("key", "add", "./db.bsl", "--key-file", "./db.key", "--new-key-source", program.uri());
        CompletableFuture<Cli.Result> unlocking;
        try (Daemon daemon = Daemon.start(cli.configuration("path: ./db.bsl, key-file: ./db.key"))) {
            assertTrue(daemon.addresses().contains("n.sock"));
            Cli.Result locked = cli.served("lock", "db");
            assertEquals(0, locked.exitCode(), locked.all());
            program.mood("silent");
            long before = program.asked();
            unlocking = CompletableFuture.supplyAsync(() -> cli.served("unlock", "db", "--key-source", program.uri()));
            while (program.asked() == before) {
                Thread.onSpinWait();
            }
        }
        Cli.Result ended = unlocking.get(20, TimeUnit.SECONDS);
        assertNotEquals(0, ended.exitCode(), ended.all());
        // Nobody has it open any more.
        cli.ok("check", "./db.bsl", "--key-file", "./db.key");
    }
}
