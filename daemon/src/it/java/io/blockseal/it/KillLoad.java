package io.blockseal.it;

import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdUri;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Several clients at once, each with several requests under way: writes of 512 bytes to 64 KiB at any sector, some with
 * FUA, trims, zeroes, flushes, and reads that are compared. Goes on until the daemon is gone.
 */
final class KillLoad {
    private static final int CLIENTS = 4;
    private static final int DEPTH = 8;
    /** Enough that all that is under way at a time finds room. */
    private static final int FIRST_WINDOWS = 8;

    private static final int LIMIT_SECONDS = 60;

    private final SectorHistory history;
    private final long seed;
    private final int windowsBefore;
    private final int windowsAfter;
    private final int requestsBeforeTheKill;
    private final boolean answersCount;
    private final AtomicInteger answered = new AtomicInteger();
    private final AtomicReference<@Nullable Throwable> wrong = new AtomicReference<>();
    private final CountDownLatch enough = new CountDownLatch(1);
    private volatile boolean gone;

    /** Uses {@code windowsBefore} windows at first and {@code windowsAfter} in the end. */
    KillLoad(SectorHistory history, long seed, int windowsBefore, int windowsAfter, int requestsBeforeTheKill) {
        this(history, seed, windowsBefore, windowsAfter, requestsBeforeTheKill, false);
    }

    /** Uses all {@code windows} from the start, and holds the daemon to every answer, as if each request had FUA. */
    static KillLoad ofAnswersThatCount(SectorHistory history, long seed, int windows, int requestsBeforeTheKill) {
        return new KillLoad(history, seed, windows - FIRST_WINDOWS, windows, requestsBeforeTheKill, true);
    }

    private KillLoad(
            SectorHistory history,
            long seed,
            int windowsBefore,
            int windowsAfter,
            int requestsBeforeTheKill,
            boolean answersCount) {
        this.history = history;
        this.seed = seed;
        this.windowsBefore = windowsBefore;
        this.windowsAfter = windowsAfter;
        this.requestsBeforeTheKill = requestsBeforeTheKill;
        this.answersCount = answersCount;
    }

    /**
     * Loads the server, kills it in the midst of that, and returns how many requests had been answered.
     *
     * @param beforeTheKill looks at it while it is under load
     */
    int runUntilKilled(Server server, Server.Use beforeTheKill) throws Exception {
        try (NbdTransport transport = NbdTransport.open(2)) {
            List<NbdClient> clients = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                NbdClient client = NbdClient.connect(transport, NbdUri.parse(server.uri()), NbdClientOptions.DEFAULT)
                        .get(LIMIT_SECONDS, TimeUnit.SECONDS);
                Random random = new Random(seed * 31 + i);
                clients.add(client);
                threads.add(new Thread(() -> drive(client, random), "load-" + i));
            }
            threads.forEach(Thread::start);
            boolean inTime = enough.await(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (inTime && wrong.get() == null) {
                beforeTheKill.by(server);
            }
            gone = true;
            server.kill();
            for (Thread thread : threads) {
                thread.join();
            }
            clients.forEach(NbdClient::close);
            Throwable failure = wrong.get();
            if (failure != null) {
                throw new AssertionError("before the kill: " + failure.getMessage(), failure);
            }
            if (!inTime) {
                throw new AssertionError("only " + answered + " requests were answered in " + LIMIT_SECONDS + " s");
            }
        }
        return answered.get();
    }

    private void drive(NbdClient client, Random random) {
        Semaphore room = new Semaphore(DEPTH);
        try {
            while (!gone && wrong.get() == null) {
                room.acquire();
                send(client, random).whenComplete((done, failed) -> {
                    ended(failed);
                    room.release();
                });
            }
            if (!room.tryAcquire(DEPTH, LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("requests were neither answered nor broken off");
            }
        } catch (InterruptedException | RuntimeException | Error e) {
            fail(e);
        }
    }

    private void ended(@Nullable Throwable failed) {
        if (failed == null) {
            if (answered.incrementAndGet() == requestsBeforeTheKill) {
                enough.countDown();
            }
        } else if (!gone) {
            fail(failed);
        }
    }

    private void fail(Throwable failed) {
        wrong.compareAndSet(null, failed);
        enough.countDown();
    }

    private CompletableFuture<?> send(NbdClient client, Random random) {
        int done = Math.min(answered.get(), requestsBeforeTheKill);
        int first = windowsBefore + FIRST_WINDOWS;
        int windows = first + (int) ((long) (windowsAfter - first) * done / requestsBeforeTheKill);
        int kind = random.nextInt(100);
        if (kind < 2) {
            long covers = history.flushBegins();
            return client.flush().thenRun(() -> history.flushed(covers));
        }
        SectorHistory.Claim claim = history.claim(random, windows, kind < 10 ? SectorHistory.WINDOW_SECTORS : 24);
        long offset = history.offsetOf(claim.firstSector());
        int bytes = claim.count() * SectorHistory.SECTOR_BYTES;
        if (kind < 14) {
            return client.read(offset, bytes).thenAccept(got -> {
                history.requireNewest(claim, got);
                history.release(claim);
            });
        }
        boolean fua = random.nextInt(40) == 0;
        int flags = fua ? NbdCommandFlags.FUA : 0;
        SectorHistory.Claim change = history.change(claim, kind < 24);
        CompletableFuture<?> sent;
        if (kind < 19) {
            sent = client.trim(offset, bytes, flags);
        } else if (kind < 24) {
            sent = client.writeZeroes(offset, bytes, flags | (random.nextBoolean() ? NbdCommandFlags.NO_HOLE : 0));
        } else {
            sent = client.write(offset, Unpooled.wrappedBuffer(history.contents(change)), flags);
        }
        return sent.thenRun(() -> history.changed(change, fua || answersCount));
    }
}
