package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A daemon whose clients ask for nothing sleeps, whatever they asked for before: it takes less than half a percent of a
 * processor, though loops look for more before they sleep.
 */
@Timeout(300)
class IdleIT {
    private static final int CLIENTS = 50;
    private static final int BLOCK = 4096;
    private static final int SIZE = 4 << 20;
    private static final long SEED = 20_261_127;

    private static final long WINDOW_MILLIS = 5_000;
    /** 5 per thousand of a processor for that long; what Linux counts in is 10 ms. */
    private static final long MILLIS_MAX = WINDOW_MILLIS * 5 / 1000;

    /** The compiler and the collector of the virtual machine may have something to do after a load, for a while. */
    private static final int WINDOWS_MAX = 4;

    @Test
    void sleepsWhenItsClientsAskForNothingAnyMore(@TempDir Path folder) throws Exception {
        sleeps(folder);
    }

    @Test
    void sleepsPastThePageCacheToo(@TempDir(factory = LocalDisk.class) Path folder) throws Exception {
        sleeps(folder, "--direct");
    }

    private static void sleeps(Path folder, String... options) throws Exception {
        System.out.println("seed " + SEED);
        Server.create(folder, "64M");
        List<UnixGuest> clients = new ArrayList<>();
        try (Server server = Server.start(folder, options)) {
            try {
                for (int i = 0; i < CLIENTS; i++) {
                    clients.add(UnixGuest.open(server.socket(), i % 2 == 0));
                }
                load(clients);
                long least = Long.MAX_VALUE;
                for (int i = 0; i < WINDOWS_MAX && least > MILLIS_MAX; i++) {
                    long before = processorMillis(server);
                    // This is the time over which it is measured, no wait for anything.
                    TimeUnit.MILLISECONDS.sleep(WINDOW_MILLIS);
                    least = Math.min(least, processorMillis(server) - before);
                }
                System.out.println("idle with " + CLIENTS + " clients: " + least + " ms of " + WINDOW_MILLIS);
                assertTrue(
                        least <= MILLIS_MAX,
                        least + " ms of processor time in " + WINDOW_MILLIS + " ms without a request");
                for (UnixGuest each : clients) {
                    assertEquals(BLOCK, each.read(0, BLOCK).length, "it still answers");
                }
            } finally {
                for (UnixGuest each : clients) {
                    each.close();
                }
            }
            assertEquals(0, server.stop(), server.log());
        }
    }

    /** Requests one after the other, so that the loops see short pauses and look for more. */
    private static void load(List<UnixGuest> clients) throws IOException {
        Random random = new Random(SEED);
        byte[] block = new byte[BLOCK];
        for (int i = 0; i < 20_000; i++) {
            UnixGuest client = clients.get(i / 400);
            long offset = (long) random.nextInt(SIZE / BLOCK) * BLOCK;
            if (i % 4 == 0) {
                random.nextBytes(block);
                client.write(offset, block);
            } else {
                client.read(offset, BLOCK);
            }
        }
    }

    /** In user and kernel mode, over all threads. */
    private static long processorMillis(Server server) {
        ProcessHandle process = ProcessHandle.of(server.pid()).orElseThrow();
        return process.info().totalCpuDuration().orElseThrow().toMillis();
    }
}
