package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.file.FileKeySource;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.nbd.NbdUri;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeStores;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A dump of the daemon's heap, or its core file, travels to whoever analyses it: no key may travel along. */
class KeyLeakIT {
    private static final int RANGES = 12;
    private static final int RANGE_BYTES = 16 << 20;
    private static final int UNIT_BYTES = 4096;
    /** Half a cipher key is a leak as well: keys are looked for in pieces. */
    private static final int PIECE_BYTES = 16;

    @TempDir
    Path folder;

    /** A key, or a part of it, with its name for the message. */
    private record Piece(String name, byte[] bytes) {}

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
        assertEquals(
                List.of("the volume's path"),
                found(dump, List.of(new Piece("the volume's path", volumePath.getBytes(StandardCharsets.US_ASCII)))),
                "what is certainly on the heap must be found, else the search is worth nothing");
        assertEquals(List.of(), found(dump, keys()));
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
    private List<Piece> keys() throws Exception {
        List<Piece> pieces = new ArrayList<>();
        String text = Files.readString(Server.key(folder)).trim();
        add(pieces, "the key file's key", HexFormat.of().parseHex(text));
        add(pieces, "the key file's text", text.getBytes(StandardCharsets.US_ASCII));
        FileStores files = FileStores.withJdk(new JvmMemorySource());
        try (CryptoEngine engine = new JavaCryptoEngine();
                KeySource source = new Overheard(FileKeySource.ofFile(Server.key(folder), engine), engine, pieces);
                Volume volume = new VolumeOpener(engine, HostMemory.none(), Runnable::run, InstantSource.system())
                        .open(
                                VolumeStores.inBand(files.open(folder.resolve("demo.bsl"), StoreOptions.BUFFERED)),
                                List.of(source),
                                OpenOptions.DEFAULT);
                DekCache cache = volume.openCache()) {
            for (long range = 0; range < RANGES; range++) {
                int dek = cache.keyFor(range, volume.word(range));
                assertNotEquals(0, dek, "range " + range + " was written, so it has a DEK");
                add(pieces, "the DEK of range " + range, copyOf(engine, dek));
            }
        }
        int textPieces = 64 / PIECE_BYTES;
        assertEquals(2 + textPieces + 2 + RANGES * 4, pieces.size(), "some key was not looked at");
        return pieces;
    }

    private static void add(List<Piece> pieces, String name, byte[] key) {
        for (int at = 0; at < key.length; at += PIECE_BYTES) {
            pieces.add(new Piece(name + ", byte " + at, Arrays.copyOfRange(key, at, at + PIECE_BYTES)));
        }
    }

    private static byte[] copyOf(CryptoEngine engine, int key) {
        ByteBuffer bytes = ByteBuffer.allocate(engine.keys().length(key));
        engine.keys().copyOut(key, SecretAccess.TEST_ORACLE, bytes);
        return bytes.array();
    }

    /** The names of those pieces that are anywhere in the dump. */
    private static List<String> found(byte[] dump, List<Piece> pieces) {
        String haystack = new String(dump, StandardCharsets.ISO_8859_1);
        List<String> names = new ArrayList<>();
        for (Piece piece : pieces) {
            if (haystack.contains(new String(piece.bytes(), StandardCharsets.ISO_8859_1))) {
                names.add(piece.name());
            }
        }
        return names;
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

    /** A key source that lets the test see the volume key that it unwraps. */
    private record Overheard(KeySource source, CryptoEngine engine, List<Piece> pieces) implements KeySource {
        @Override
        public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
            Secret key = source.unwrap(wrapped, binding);
            add(pieces, "the volume key", copyOf(engine, key.key()));
            return key;
        }

        @Override
        public String kind() {
            return source.kind();
        }

        @Override
        public String reference() {
            return source.reference();
        }

        @Override
        public int slotPriority() {
            return source.slotPriority();
        }

        @Override
        public boolean mayOpen(WrappedKey wrapped) {
            return source.mayOpen(wrapped);
        }

        @Override
        public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
            return source.wrap(volumeKey, binding);
        }

        @Override
        public void close() {
            source.close();
        }
    }
}
