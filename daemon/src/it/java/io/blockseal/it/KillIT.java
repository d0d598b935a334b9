package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdUri;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon dies by SIGKILL in the midst of requests of all kinds from several clients (C17). Whatever a FLUSH or a FUA
 * had acknowledged is there afterwards; every other sector holds something that was sent to it, never noise.
 *
 * <p>Each volume is killed several times in a row and checked in the end. The kernel outlives the daemon and keeps what was
 * written in its page cache, so this shows that the daemon forgets nothing and that its order of writes is right wherever
 * it is cut; what a power cut takes from the page cache is the crash suite's to show.
 *
 * <p>{@code -Dblockseal.kill.count=200} kills more often (scripts/soak); {@code -Dblockseal.kill.seed=N} with a count of
 * {@value #KILLS_PER_VOLUME} repeats one volume.
 */
class KillIT {
    private static final int KILLS_PER_VOLUME = 5;
    private static final int KILLS = Integer.getInteger("blockseal.kill.count", 20);
    private static final long FIRST_SEED = Long.getLong("blockseal.kill.seed", 1000);

    private static final int WINDOWS = 500;
    private static final int WINDOWS_PER_KILL = WINDOWS / KILLS_PER_VOLUME;
    private static final long RANGE_BYTES = 16 << 20;
    // 31 ranges get their keys by one commit: four windows a page, and 125 commits in a volume's life.
    private static final int RANGES_PER_WINDOW = 8;

    @TempDir
    Path folder;

    /** Where the volumes are. */
    Path folder() {
        return folder;
    }

    /** How often to kill. */
    int killCount() {
        return KILLS;
    }

    /** Serves the folder's volume to such clients. */
    Serving serve(Path home) throws IOException {
        return new Serving(Server.start(home), server -> {});
    }

    /** A server, and what is to be true of it after some thousand requests. */
    record Serving(Server server, Server.Use underLoad) {}

    @TestFactory
    Stream<DynamicTest> nothingFlushedIsLostAndNothingReadsAsNoise() {
        int volumes = (killCount() + KILLS_PER_VOLUME - 1) / KILLS_PER_VOLUME;
        return IntStream.range(0, volumes).mapToObj(volume -> {
            long seed = FIRST_SEED + volume;
            return DynamicTest.dynamicTest("seed " + seed, () -> killOften(seed, volume * KILLS_PER_VOLUME));
        });
    }

    private void killOften(long seed, int killsBefore) throws Exception {
        Path home = Files.createDirectory(folder().resolve("seed" + seed));
        Random random = new Random(seed);
        SectorHistory history = new SectorHistory(seed, windows(random));
        Server.create(home, "64G", "--range-size", "16M");
        int kills = Math.min(KILLS_PER_VOLUME, killCount() - killsBefore);
        for (int kill = 0; kill < kills; kill++) {
            int requests = 1500 + random.nextInt(6000);
            int answered;
            Serving serving = serve(home);
            try (Server server = serving.server()) {
                settle(server, history, kill * WINDOWS_PER_KILL);
                KillLoad load = new KillLoad(
                        history, random.nextLong(), kill * WINDOWS_PER_KILL, (kill + 1) * WINDOWS_PER_KILL, requests);
                answered = load.runUntilKilled(server, serving.underLoad());
            }
            int undecided = history.undecided();
            history.daemonIsDead();
            System.out.println("kill " + (killsBefore + kill + 1) + " of " + killCount() + " seed=" + seed
                    + " answered=" + answered + " undecided-sectors=" + undecided);
        }
        try (Server server = serve(home).server()) {
            settle(server, history, kills * WINDOWS_PER_KILL);
            assertEquals(0, server.stop(), server.log());
        }
        Blockseal.run("check", home.resolve("demo.bsl"), "--key-file", Server.key(home))
                .ok();
        Files.delete(home.resolve("demo.bsl"));
    }

    /** Where the windows are: in the order in which they come into use they are all over the volume. */
    private static long[] windows(Random random) {
        List<Integer> order =
                new ArrayList<>(IntStream.range(0, WINDOWS).boxed().toList());
        Collections.shuffle(order, random);
        long room = (RANGE_BYTES - SectorHistory.WINDOW_BYTES) / SectorHistory.SECTOR_BYTES;
        return order.stream()
                .mapToLong(place -> place * RANGES_PER_WINDOW * RANGE_BYTES
                        + random.nextInt((int) room) * (long) SectorHistory.SECTOR_BYTES)
                .toArray();
    }

    /** Reads every window that was ever in use. */
    private static void settle(Server server, SectorHistory history, int windows) throws Exception {
        try (NbdTransport transport = NbdTransport.open(1)) {
            NbdClient client = NbdClient.connect(transport, NbdUri.parse(server.uri()), NbdClientOptions.DEFAULT)
                    .get(60, TimeUnit.SECONDS);
            List<CompletableFuture<byte[]>> reads = new ArrayList<>();
            for (int window = 0; window < windows; window++) {
                reads.add(client.read(
                        history.offsetOf(window * SectorHistory.WINDOW_SECTORS), SectorHistory.WINDOW_BYTES));
            }
            for (int window = 0; window < windows; window++) {
                history.settle(window, reads.get(window).get(60, TimeUnit.SECONDS));
            }
            client.disconnect().get(60, TimeUnit.SECONDS);
        }
    }
}
