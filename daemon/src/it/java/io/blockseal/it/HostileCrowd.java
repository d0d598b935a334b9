package io.blockseal.it;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Hostile clients, some dozens at a time. Each is made of its number and the seed alone; those that stay, stay until
 * {@link #leave}.
 */
final class HostileCrowd implements AutoCloseable {
    private static final int AT_A_TIME = 24;
    /** Others have to find a place, too: a daemon lets some thousand in. */
    private static final int UNOPENED_MAX = 500;

    private final int port;
    private final Hostility.Victim victim;
    private final long seed;
    private final AtomicInteger next = new AtomicInteger();
    private final Queue<HostileWire> unopened = new ConcurrentLinkedQueue<>();
    private final Queue<HostileWire> neverReading = new ConcurrentLinkedQueue<>();
    private final Map<Hostility, AtomicInteger> cutOff = new EnumMap<>(Hostility.class);

    HostileCrowd(int port, Hostility.Victim victim, long seed) {
        this.port = port;
        this.victim = victim;
        this.seed = seed;
        for (Hostility kind : Hostility.values()) {
            cutOff.put(kind, new AtomicInteger());
        }
    }

    /** So many more, of each kind as many; returns when all have done what they do. */
    void attack(int clients) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(AT_A_TIME);
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                all.add(threads.submit(() -> {
                    attackOnce(next.getAndIncrement());
                    return null;
                }));
            }
            for (Future<?> each : all) {
                each.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private void attackOnce(int number) throws IOException {
        Hostility kind = Hostility.values()[number % Hostility.values().length];
        Random random = new Random(seed * 1_000_003 + number);
        // Nobody but us may make this fail: a server that is attacked goes on accepting.
        HostileWire wire = HostileWire.connect(port, number);
        Hostility.Afterwards becomes = Hostility.Afterwards.GONE;
        try {
            becomes = kind.against(victim, wire, random);
        } catch (IOException cut) {
            cutOff.get(kind).incrementAndGet();
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError("client " + number + " of seed " + seed + ", " + kind + ": " + e.getMessage(), e);
        } finally {
            if (becomes == Hostility.Afterwards.NEVER_READS) {
                neverReading.add(wire);
            } else if (becomes == Hostility.Afterwards.WAITS_UNOPENED && unopened.size() < UNOPENED_MAX) {
                unopened.add(wire);
            } else {
                wire.close();
            }
        }
    }

    /** Those that wait must be sent away by the server's own clock, all of them; the others go now. */
    void leave() throws IOException {
        for (HostileWire wire = neverReading.poll(); wire != null; wire = neverReading.poll()) {
            wire.reset();
        }
        for (HostileWire wire = unopened.poll(); wire != null; wire = unopened.poll()) {
            wire.untilHungUp();
            wire.close();
        }
    }

    /** How many stay. */
    int staying() {
        return unopened.size() + neverReading.size();
    }

    /** How many of each kind were cut off while they still had something to say. */
    @Override
    public String toString() {
        return "seed=" + seed + " clients=" + next + " cut-off=" + cutOff;
    }

    @Override
    public void close() throws IOException {
        for (HostileWire wire : unopened) {
            wire.close();
        }
        for (HostileWire wire : neverReading) {
            wire.close();
        }
    }
}
