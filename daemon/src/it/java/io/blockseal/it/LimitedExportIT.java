package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Exports with a limit under clients that ask for more than it lets through. That they get no less than it says is
 * ExportBudgetTest's, by a clock of its own: a machine that is busy with other things can always be slower.
 */
@Timeout(180)
class LimitedExportIT {
    private static final int REQUESTS_A_SECOND = 200;
    private static final int BYTES_A_SECOND = 4 << 20;
    private static final double BURST_SECONDS = 0.2;
    private static final int JOBS = 4;
    private static final int REQUESTS_OF_A_JOB = 120;
    private static final int BLOCKS_OF_A_JOB = 40;
    private static final int BLOCK_BYTES = 64 << 10;

    @TempDir
    private Path folder;

    private Metrics metrics;

    private Server serve() throws Exception {
        int admin = Ports.free();
        StringBuilder config = new StringBuilder("unix: " + folder.resolve("demo.sock") + "\nadmin: 127.0.0.1:" + admin
                + "\ncontrol: off\nstate-dir: " + folder.resolve("state")
                // As good as never: a stop that waited for what is too much would not end while we look.
                + "\ndrain-seconds: 600\nvolumes:\n");
        for (String volume : List.of("few|max-iops: 200", "narrow|max-bandwidth: 4M", "free|read-only: false")) {
            String[] words = volume.split("\\|");
            Path file = folder.resolve(words[0] + ".bsl");
            Blockseal.run("create", file, "--size", "64M", "--key-file", Server.key(folder))
                    .ok();
            config.append("  - {path: " + file + ", key-file: " + Server.key(folder) + ", " + words[1] + "}\n");
        }
        metrics = new Metrics(admin);
        return Server.serve(
                folder,
                "--config",
                Files.writeString(folder.resolve("blockseal.yaml"), config).toString());
    }

    private static List<String> fio(Server server, String export, String... more) {
        List<String> words = new ArrayList<>(List.of(
                "fio",
                "--name=" + export,
                "--ioengine=nbd",
                "--uri=" + server.uri(export),
                "--rw=randwrite",
                "--size=64M",
                "--randseed=42"));
        words.addAll(List.of(more));
        return words;
    }

    private Process begin(List<String> fio) throws Exception {
        return Tool.builder(
                        fio, Files.createTempFile(folder, "fio", ".out"), Files.createTempFile(folder, "fio", ".err"))
                .start();
    }

    private double of(String export, String series, String... labels) throws Exception {
        List<String> all = new ArrayList<>(List.of(labels));
        all.add("export=\"" + export + "\"");
        return metrics.value(series, all.toArray(new String[0]));
    }

    private double writes(String export) throws Exception {
        return of(export, "blockseal_requests_total", "command=\"write\"");
    }

    private double slowed(String export) throws Exception {
        return of(export, "blockseal_requests_slowed_total");
    }

    @Test
    void itsClientsGetWhatItAllowsAndItsNeighbourTheRest() throws Exception {
        Tool.need("fio");
        try (Server server = serve()) {
            aBurstPassesAtOnce(server);
            bothLimitsHold(server);
            aStopWaitsForNobodyWhoIsHeldBack(server);
        }
    }

    /** A fifth of a second's requests, after a rest. */
    private void aBurstPassesAtOnce(Server server) throws Exception {
        int burst = (int) (REQUESTS_A_SECOND * BURST_SECONDS);
        Tool.run(fio(server, "few", "--bs=4k", "--iodepth=" + burst, "--number_ios=" + burst)
                        .toArray())
                .ok();
        assertEquals(burst, writes("few"));
        assertEquals(0, slowed("few"), "as many as may be made up for at once");
    }

    private void bothLimitsHold(Server server) throws Exception {
        double requestsBefore = writes("few");
        Process neighbour = begin(fio(server, "free", "--bs=4k", "--iodepth=4", "--time_based", "--runtime=150"));
        long begun = System.nanoTime();
        List<CompletableFuture<Tool.Result>> held = new ArrayList<>();
        for (List<String> fio : List.of(
                fio(server, "few", "--bs=4k", "--number_ios=" + REQUESTS_OF_A_JOB),
                fio(server, "narrow", "--bs=" + BLOCK_BYTES, "--number_ios=" + BLOCKS_OF_A_JOB))) {
            fio.addAll(List.of("--iodepth=16", "--numjobs=" + JOBS));
            held.add(CompletableFuture.supplyAsync(() -> Tool.run(fio.toArray())));
        }
        for (CompletableFuture<Tool.Result> each : held) {
            each.get(150, TimeUnit.SECONDS).ok();
        }
        double requests = writes("few") - requestsBefore;
        double bytes = of("narrow", "blockseal_bytes_total", "direction=\"write\"");
        double free = writes("free");
        double seconds = (System.nanoTime() - begun) / 1e9;
        double leased = metrics.value("blockseal_buffer_pool_leased_bytes");
        assertTrue(neighbour.isAlive(), "the neighbour has ended");
        neighbour.destroy();
        neighbour.waitFor();
        System.out.printf(
                "%.1f s: few %.0f/s of %d/s, narrow %.2f MB/s of %.2f MB/s, free %.0f/s, %.0f bytes leased%n",
                seconds,
                requests / seconds,
                REQUESTS_A_SECOND,
                bytes / seconds / 1e6,
                BYTES_A_SECOND / 1e6,
                free / seconds,
                leased);

        assertEquals(JOBS * REQUESTS_OF_A_JOB, requests);
        assertEquals((double) JOBS * BLOCKS_OF_A_JOB * BLOCK_BYTES, bytes);
        // Each connection may have looked before another one paid.
        assertTrue(requests <= REQUESTS_A_SECOND * (seconds + BURST_SECONDS) + JOBS, "too many requests");
        assertTrue(bytes <= BYTES_A_SECOND * (seconds + BURST_SECONDS) + JOBS * BLOCK_BYTES, "too many bytes");
        assertTrue(slowed("few") > 0 && slowed("narrow") > 0, "nobody was held back");
        assertEquals(0, slowed("free"));
        assertTrue(free > 4 * requests, "the neighbour got no more than " + free);
        // 128 requests of 64 KiB and of 4 KiB wait there, and take no buffer.
        assertTrue(leased < 2 << 20, "buffers are held for what has to wait: " + leased);
        metrics.awaitAtMost(0, "blockseal_buffer_pool_leased_bytes");
    }

    /** Some minutes' worth of requests are on their way when it ends. */
    private void aStopWaitsForNobodyWhoIsHeldBack(Server server) throws Exception {
        double before = slowed("narrow");
        Process greedy = begin(fio(server, "narrow", "--bs=16M", "--iodepth=64", "--time_based", "--runtime=150"));
        metrics.awaitAtLeast(before + 1, "blockseal_requests_slowed_total", "export=\"narrow\"");
        assertEquals(0, server.stop(), server.log());
        assertTrue(greedy.waitFor(60, TimeUnit.SECONDS), "its client waits on");
        assertNotEquals(0, greedy.exitValue(), "its client was told that all was written");
    }
}
