package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.format.TableEntry;
import io.blockseal.nbd.NbdUri;
import io.blockseal.shim.ShimLibrary;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is said to be destroyed is gone, as root sees it who takes the disk, the mirror, the logs and all memory of the
 * daemon in that moment: keys of ranges, plain and wrapped, and volume keys.
 */
class KeyDestructionIT {
    private static final int RANGES = 12;

    @TempDir
    Path folder;

    @BeforeEach
    void programs() {
        Tool.needRoot("reading the memory of another process");
        Tool.need("qemu-io");
        assumeTrue(ShimLibrary.open().shim() != null, "no native library: keys of the Java engine are on the heap");
    }

    private Path volume() {
        return folder.resolve("demo.bsl");
    }

    private Path mirror() {
        return folder.resolve("demo.mirror");
    }

    private Server serve(Orders orders) {
        String mirror = mirror().toString();
        Server.create(folder, RANGES * 16 + "M", "--range-size", "16M", "--meta-mirror", mirror);
        return Server.start(
                folder, orders.serveOptions("--meta-mirror", mirror, "--log-level", "debug", "--engine", "native"));
    }

    private static void qemuIo(Server server, String command) {
        Tool.run("qemu-io", "-f", "raw", "-d", "unmap", "-c", command, server.uri())
                .ok();
    }

    private static void useAllRanges(Server server) {
        for (int range = 0; range < RANGES; range++) {
            qemuIo(server, "write -P 0x5a " + range * 16 + "M 1M");
        }
    }

    private static NbdClient connect(NbdTransport transport, Server server) throws Exception {
        return NbdClient.connect(transport, NbdUri.parse(server.uri()), NbdClientOptions.DEFAULT)
                .get(60, TimeUnit.SECONDS);
    }

    private static void readAllRanges(NbdClient client) throws Exception {
        for (long range = 0; range < RANGES; range++) {
            client.read(range << 24, 4096).get(60, TimeUnit.SECONDS);
        }
    }

    /** The secrets as they are now, by a copy of the volume. */
    private PlainKeys plainKeys() throws Exception {
        Path copy = folder.resolve("copy.bsl");
        Tool.run("cp", "--sparse=always", volume(), copy).ok();
        PlainKeys keys = PlainKeys.of(copy, Server.key(folder));
        Files.delete(copy);
        return keys;
    }

    /** Everything that a range's key is in: both copies on the disk, and the plain key. */
    private Needles keysOf(PlainKeys plain, long first, long last) throws Exception {
        WrappedKeys disk = WrappedKeys.in(volume());
        Needles needles = new Needles();
        for (long range = first; range <= last; range++) {
            disk.addDek(needles, range);
            needles.add("the DEK of range " + range, plain.deks().get(range));
        }
        return needles;
    }

    private Needles wrappedDeks(PlainKeys plain) throws Exception {
        WrappedKeys disk = WrappedKeys.in(volume());
        Needles needles = new Needles();
        for (long range : plain.deks().keySet()) {
            disk.addDek(needles, range);
        }
        return needles;
    }

    private static Needles plainDeks(PlainKeys plain) {
        Needles needles = new Needles();
        plain.deks().forEach((range, dek) -> needles.add("the DEK of range " + range, dek));
        return needles;
    }

    /** Looks for them in the metadata of the volume and its mirror, in the log, and in the daemon's memory. */
    private Set<String> found(Server server, Needles needles) throws Exception {
        TreeSet<String> found = foundOnDisk(needles);
        found.addAll(new ProcessMemory(server.pid()).search(needles));
        String log = server.log();
        for (Needles form : List.of(needles, needles.asText())) {
            for (String text : List.of(log, log.toLowerCase(Locale.ROOT))) {
                form.in(text.getBytes(StandardCharsets.UTF_8)).forEach(name -> found.add(name + " in the log"));
            }
        }
        return found;
    }

    private TreeSet<String> foundOnDisk(Needles needles) throws Exception {
        TreeSet<String> found = new TreeSet<>();
        for (Path file : List.of(volume(), mirror())) {
            needles.in(WrappedKeys.in(file).bytes()).forEach(name -> found.add(name + " in " + file.getFileName()));
        }
        return found;
    }

    private static void awaitShredded(Path file, long range) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!WrappedKeys.in(file).entries(range).stream().allMatch(entry -> entry.state() == TableEntry.SHREDDED)) {
            assertTrue(System.nanoTime() < deadline, "range " + range + " was discarded and is not shredded");
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
        }
    }

    private static void assertGone(String act, Set<String> found) {
        assertTrue(found.isEmpty(), () -> act + " leaves behind:\n" + String.join("\n", found));
    }

    @Test
    void aDestroyedKeyIsNowhereFromThatMomentOn() throws Exception {
        List<Needles> everDestroyed = new ArrayList<>();
        Orders orders = new Orders(folder);
        try (Server server = serve(orders);
                NbdTransport transport = NbdTransport.open(1)) {
            useAllRanges(server);
            // The keys of loops without a client are wiped: this one stays, and has used them all.
            NbdClient client = connect(transport, server);
            readAllRanges(client);
            PlainKeys first = plainKeys();
            assertEquals(RANGES, first.deks().size());
            Needles living = keysOf(first, 0, RANGES - 1);
            Set<String> seen = found(server, living);
            for (int range = 0; range < RANGES; range++) {
                String dek = "the DEK of range " + range + " ";
                String wrapped = "the wrapped DEK of range " + range + " ";
                assertTrue(seen.stream().anyMatch(it -> it.startsWith(dek)), dek + "is in use and not found");
                for (Path file : List.of(volume(), mirror())) {
                    assertTrue(
                            seen.stream()
                                    .anyMatch(it -> it.startsWith(wrapped) && it.endsWith("" + file.getFileName())),
                            wrapped + "is in force and not found in " + file);
                }
            }

            Needles rotated = keysOf(first, 0, 3);
            orders.run("rotate-dek", volume(), "--range", "0-3");
            assertGone("rotate-dek", found(server, rotated));
            everDestroyed.add(rotated);

            Needles shredded = keysOf(first, 4, 5);
            orders.run("shred", volume(), "--range", "4-5");
            assertGone("shred", found(server, shredded));
            everDestroyed.add(shredded);

            Needles discarded = keysOf(first, 6, 6);
            qemuIo(server, "discard 96M 16M");
            awaitShredded(volume(), 6);
            awaitShredded(mirror(), 6);
            qemuIo(server, "read -P 0 96M 16M");
            assertGone("a discard", found(server, discarded));
            everDestroyed.add(discarded);

            PlainKeys before = plainKeys();
            Needles oldWrappings = wrappedDeks(before).add("the volume key", before.volumeKey());
            Needles oldSlot = new Needles();
            WrappedKeys.in(volume()).addVolumeKey(oldSlot);
            assertFalse(foundOnDisk(oldSlot).isEmpty(), "the wrapped volume key is in force and not found");
            orders.run("rotate-volume-key", volume(), "--key-file", Server.key(folder));
            assertGone("rotate-volume-key", found(server, oldWrappings));
            everDestroyed.add(oldWrappings);
            // What is in a key slot opens with a key that the daemon may never have had, and is on the heap.
            assertGone("rotate-volume-key", foundOnDisk(oldSlot));

            useAllRanges(server);
            readAllRanges(client);
            PlainKeys last = plainKeys();
            assertFalse(new ProcessMemory(server.pid()).search(plainDeks(last)).isEmpty(), "no DEK is in use");
            orders.run("lock", volume());
            Needles locked = plainDeks(last).add("the volume key", last.volumeKey());
            assertGone("lock", found(server, locked));
            orders.run("unlock", volume(), "--key-file", Server.key(folder));
            qemuIo(server, "read -P 0x5a 0 1M");
            for (Needles destroyed : everDestroyed) {
                assertGone("lock and unlock", found(server, destroyed));
            }

            // These have been through commits for new ranges, for what was enciphered, and through the unlock.
            Needles all = keysOf(last, 0, RANGES - 1);
            orders.run("rotate-dek", volume(), "--all");
            assertGone("rotate-dek --all", found(server, all));
            assertTrue(server.log().contains("event=ranges-shredded"), "the log has no audit lines");
            assertEquals(0, server.stop(), server.log());
        }
    }
}
