package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.nbd.NbdUri;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A dump of the daemon's heap, or its core file, travels to whoever analyses it: no key may travel along. */
class KeyLeakIT {
    private static final int RANGES = 12;
    private static final int RANGE_BYTES = 16 << 20;
    private static final int UNIT_BYTES = 4096;

    @TempDir
    Path folder;

    @Test
    void noKeyIsInAHeapDumpOfTheDaemon() throws Exception {
        Tool.need("jcmd");
        assumeTrue(ShimLibrary.open().shim() != null, "no native library");
        Server.create(folder, RANGES * 16 + "M", "--range-size", "16M");
        Path file = folder.resolve("daemon.hprof");
        try (Server server = Server.startWithJvmOptions(folder, "-XX:-DisableAttachMechanism", "--engine", "native")) {
            writeAndReadEveryRange(server);
            // -all: with what the collector has not yet taken, where copies of keys would be.
            Tool.run("jcmd", server.pid(), "GC.heap_dump", "-all", file).ok();
            assertEquals(0, server.stop(), server.log());
        }
        byte[] dump = Files.readAllBytes(file);
        String volumePath = folder.resolve("demo.bsl").toString();
        Needles path = new Needles().add("the volume's path", volumePath.getBytes(StandardCharsets.US_ASCII));
        assertEquals(
                path.count(),
                path.in(dump).size(),
                "what is certainly on the heap must be found, else the search is worth nothing");
        assertEquals(Set.of(), keys().in(dump));
    }

    private static void writeAndReadEveryRange(Server server) throws Exception {
        try (NbdTransport transport = NbdTransport.open(1)) {
            NbdClient client = NbdClient.connect(transport, NbdUri.parse(server.uri()), NbdClientOptions.DEFAULT)
                    .get(60, TimeUnit.SECONDS);
            for (long range = 0; range < RANGES; range++) {
                byte[] unit = new byte[UNIT_BYTES];
                unit[0] = 1;
                client.write(range * RANGE_BYTES, Unpooled.wrappedBuffer(unit), 0)
                        .get(60, TimeUnit.SECONDS);
                client.read(range * RANGE_BYTES, UNIT_BYTES).get(60, TimeUnit.SECONDS);
            }
            client.flush().get(60, TimeUnit.SECONDS);
            client.disconnect().get(60, TimeUnit.SECONDS);
        }
    }

    /** The key file's key, the volume key and every DEK, as this process finds them after the daemon has ended. */
    private Needles keys() throws Exception {
        String text = Files.readString(Server.key(folder)).trim();
        PlainKeys keys = PlainKeys.of(folder.resolve("demo.bsl"), Server.key(folder));
        assertEquals(RANGES, keys.deks().size(), "every range was written, so each has a DEK");
        Needles needles = new Needles()
                .add("the key file's key", HexFormat.of().parseHex(text))
                .add("the key file's text", text.getBytes(StandardCharsets.US_ASCII))
                .add("the volume key", keys.volumeKey());
        keys.deks().forEach((range, dek) -> needles.add("the DEK of range " + range, dek));
        int textPieces = 64 / Needles.PIECE_BYTES;
        assertEquals(2 + textPieces + 2 + RANGES * 4, needles.count(), "some key was not looked at");
        return needles;
    }

    @Test
    void neitherBuffersNorKeysAreInACoreFile() throws Exception {
        Shim shim = ShimLibrary.open().shim();
        assumeTrue(shim != null, "no native library");
        long address =
                new ShimMemorySource(Objects.requireNonNull(shim)).map(1 << 20).address();
        assertTrue(flagsOfMapping(address).contains("dd"), "buffers hold plaintext: " + flagsOfMapping(address));
        List<String> locked = new ArrayList<>();
        for (List<String> flags : flagsOfMappings()) {
            if (flags.contains("lo")) {
                locked.add(String.join(" ", flags));
                assertTrue(flags.contains("dd"), "locked memory is for keys: " + flags);
            }
        }
        assumeTrue((shim.protection() & Shim.SLOTS_LOCKED) != 0, "this system does not let us lock memory");
        assertFalse(locked.isEmpty(), "keys are said to be locked, so some mapping must be");
    }

    private static List<String> flagsOfMapping(long address) throws Exception {
        boolean inside = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                String[] bounds = line.substring(0, line.indexOf(' ')).split("-");
                inside = address >= Long.parseUnsignedLong(bounds[0], 16)
                        && address < Long.parseUnsignedLong(bounds[1], 16);
            } else if (inside && line.startsWith("VmFlags:")) {
                return flags(line);
            }
        }
        throw new AssertionError("no mapping at " + Long.toHexString(address));
    }

    private static List<List<String>> flagsOfMappings() throws Exception {
        return Files.readAllLines(Path.of("/proc/self/smaps")).stream()
                .filter(line -> line.startsWith("VmFlags:"))
                .map(KeyLeakIT::flags)
                .toList();
    }

    private static List<String> flags(String line) {
        return List.of(line.substring("VmFlags:".length()).trim().split(" +"));
    }
}
