package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdUri;
import io.netty.buffer.Unpooled;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The daemon dies by SIGKILL in the midst of a rotation of all DEKs, while clients write, trim and read in the same ranges.
 * Every request that was answered has left its contents, wherever its range lies by then; the job goes on by itself after
 * each restart, and in the end every range has another DEK.
 *
 * <p>A process that is killed leaves the page cache behind, so here an answer alone counts, without a FLUSH.
 *
 * <p>{@code -Dblockseal.kill.count=100} kills more often (scripts/soak); {@code -Dblockseal.kill.seed=N} repeats a run.
 */
class RotateKillIT {
    private static final int KILLS = Integer.getInteger("blockseal.kill.count", 3);
    private static final long SEED = Long.getLong("blockseal.kill.seed", 1000);

    private static final int RANGES = 128;
    private static final long RANGE_BYTES = 16 << 20;
    private static final int WINDOWS_PER_RANGE = 2;
    private static final int WINDOWS = RANGES * WINDOWS_PER_RANGE;
    private static final int UNIT_BYTES = 4096;
    private static final int JOB_SECONDS = 300;
    /** What a rotation may copy in a second: each of them has its kills in other places. */
    private static final String[] RATES = {"256MiB/s", "64MiB/s", "128MiB/s"};

    @TempDir
    Path folder;

    private Orders orders;
    private SectorHistory history;
    private WrappedKeys before;
    private long job;
    private int rotations;
    private int killsMidway;
    private long answered;

    private Path volume() {
        return folder.resolve("demo.bsl");
    }

    @Test
    void everyAnswerOutlivesTheDaemonAndEveryRangeGetsItsNewDek() throws Exception {
        Random random = new Random(SEED);
        System.out.println("seed " + SEED);
        orders = new Orders(folder);
        history = new SectorHistory(SEED, windows(random));
        Server.create(folder, RANGES * (RANGE_BYTES >> 20) + "M", "--range-size", "16M");
        try (Server server = Server.start(folder)) {
            touchAllRanges(server);
            assertEquals(0, server.stop(), server.log());
        }
        before = WrappedKeys.in(volume());
        for (int kill = 0; kill < KILLS; kill++) {
            lifeThatIsKilled(random, kill);
        }
        try (Server server = Server.start(folder, orders.serveOptions())) {
            boolean goesOn = jobIsUnfinished();
            killsMidway += goesOn ? 1 : 0;
            settle(server);
            if (goesOn) {
                orders.awaitDone(job, JOB_SECONDS);
            }
            settle(server);
            requireNewDeks();
            assertEquals(0, server.stop(), server.log());
        }
        Blockseal.run("check", volume(), "--key-file", Server.key(folder)).ok();
        System.out.println(KILLS + " kills, " + killsMidway + " of them in the midst of a rotation; " + rotations
                + " rotations of " + RANGES + " ranges; " + answered + " requests answered");
        assertTrue(killsMidway * 2 >= KILLS, "too few kills met a rotation");
    }

    private void lifeThatIsKilled(Random random, int kill) throws Exception {
        int requests = 500 + random.nextInt(4000);
        int now;
        try (Server server = Server.start(folder, orders.serveOptions())) {
            if (kill == 0) {
                beginRotation();
            } else if (jobIsUnfinished()) {
                killsMidway++;
            } else {
                requireNewDeks();
                beginRotation();
            }
            settle(server);
            KillLoad load = KillLoad.ofAnswersThatCount(history, random.nextLong(), WINDOWS, requests);
            now = load.runUntilKilled(server, underLoad -> {});
        }
        int undecided = history.undecided();
        history.daemonIsDead();
        answered += now;
        System.out.println("kill " + (kill + 1) + " of " + KILLS + " answered=" + now + " undecided-sectors="
                + undecided + " job=" + job);
    }

    /** Whether the kill cut the job short: it is there again, and goes on. If not, it was done. */
    private boolean jobIsUnfinished() throws Exception {
        JsonNode found = orders.find(job);
        if (found == null) {
            // It ended before the kill; the table tells how.
            return false;
        }
        assertEquals("rotate-dek", found.path("verb").asText(), found::toString);
        if (found.path("ended").asBoolean()) {
            assertEquals("done", found.path("state").asText(), found::toString);
            return false;
        }
        return true;
    }

    private void beginRotation() throws Exception {
        before = WrappedKeys.in(volume());
        job = orders.beginRotation(volume(), "--rate", RATES[rotations % RATES.length]);
        rotations++;
    }

    private void requireNewDeks() throws Exception {
        WrappedKeys after = WrappedKeys.in(volume());
        Needles destroyed = new Needles();
        for (long range = 0; range < RANGES; range++) {
            before.addDek(destroyed, range);
        }
        assertTrue(destroyed.count() >= 2 * RANGES, "not every range had a DEK");
        assertEquals(List.of(), List.copyOf(destroyed.in(after.bytes())), "DEKs that were to be destroyed");
    }

    /** In each range, with room left behind them. */
    private static long[] windows(Random random) {
        long room = RANGE_BYTES / WINDOWS_PER_RANGE - SectorHistory.WINDOW_BYTES - UNIT_BYTES;
        long[] offsets = new long[WINDOWS];
        for (int window = 0; window < WINDOWS; window++) {
            offsets[window] = window * (RANGE_BYTES / WINDOWS_PER_RANGE)
                    + random.nextInt((int) (room / SectorHistory.SECTOR_BYTES)) * (long) SectorHistory.SECTOR_BYTES;
        }
        return offsets;
    }

    /** A unit at the end of each range, which keeps the range from being shredded. */
    private static void touchAllRanges(Server server) throws Exception {
        byte[] unit = new byte[UNIT_BYTES];
        new Random(1).nextBytes(unit);
        try (NbdTransport transport = NbdTransport.open(1)) {
            NbdClient client = connect(transport, server);
            for (long range = 0; range < RANGES; range++) {
                client.write((range + 1) * RANGE_BYTES - UNIT_BYTES, Unpooled.wrappedBuffer(unit.clone()), 0)
                        .get(60, TimeUnit.SECONDS);
            }
            client.flush().get(60, TimeUnit.SECONDS);
            client.disconnect().get(60, TimeUnit.SECONDS);
        }
    }

    private static NbdClient connect(NbdTransport transport, Server server) throws Exception {
        return NbdClient.connect(transport, NbdUri.parse(server.uri()), NbdClientOptions.DEFAULT)
                .get(60, TimeUnit.SECONDS);
    }

    /** Reads every window while the rotation goes on, and judges it. */
    private void settle(Server server) throws Exception {
        try (NbdTransport transport = NbdTransport.open(1)) {
            NbdClient client = connect(transport, server);
            List<CompletableFuture<byte[]>> reads = new ArrayList<>();
            for (int window = 0; window < WINDOWS; window++) {
                reads.add(client.read(
                        history.offsetOf(window * SectorHistory.WINDOW_SECTORS), SectorHistory.WINDOW_BYTES));
            }
            for (int window = 0; window < WINDOWS; window++) {
                history.settle(window, reads.get(window).get(60, TimeUnit.SECONDS));
            }
            client.disconnect().get(60, TimeUnit.SECONDS);
        }
    }
}
