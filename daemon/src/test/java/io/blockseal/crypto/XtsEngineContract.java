package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.memory.Memory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Wrong ciphertext is lost data: nobody else, and no later version, could read the disk. */
abstract class XtsEngineContract extends EngineContract {
    private final Memory memory = newMemory(MEMORY_BYTES);

    @Test
    void agreesWithIeee1619() {
        List<Vectors.Vector> vectors = Vectors.blocks("ieee1619-xts-aes256.txt");
        assertEquals(5, vectors.size());
        for (Vectors.Vector vector : vectors) {
            byte[] tweak = vector.bytes("iv");
            assertBothWays(vector, "key", low(tweak), "plaintext", "ciphertext");
        }
    }

    @Test
    void agreesWithNistOnUnitNumbers() {
        List<Vectors.Vector> vectors = Vectors.blocks("nist-xts-aes256-dataunitseqno.rsp");
        assertEquals(600, vectors.size());
        for (Vectors.Vector vector : vectors) {
            assertBothWays(vector, "key", Long.parseLong(vector.text("dataunitseqnumber")), "pt", "ct");
        }
    }

    @Test
    void agreesWithWycheproofAndRefusesPartialBlocks() {
        int whole = 0;
        for (Vectors.Vector vector : Vectors.wycheproof("aes_xts")) {
            byte[] tweak = Arrays.copyOf(vector.bytes("iv"), 16);
            int unitBytes = vector.bytes("msg").length;
            if (unitBytes % 16 != 0) {
                int key = key(vector.bytes("key"));
                assertThrows(
                        IllegalArgumentException.class, () -> engine.xts().encrypt(key, memory, 0, unitBytes, 0, 1));
                engine.keys().free(key);
            } else if (high(tweak) == 0 && low(tweak) >= 0) {
                assertBothWays(vector, "key", low(tweak), "msg", "ct");
                whole++;
            }
        }
        assertEquals(10, whole);
    }

    @Test
    void agreesWithLibcryptoOnUnitsOf4096() throws NoSuchAlgorithmException {
        List<String> lines = Vectors.lines("libcrypto-xts-aes256.txt");
        assertEquals(48, lines.size());
        for (String line : lines) {
            assertOracleLine(line);
        }
    }

    @Test
    void agreesWithLibcryptoOnFreshKeys(@TempDir Path folder)
            throws IOException, InterruptedException, NoSuchAlgorithmException {
        Path script = folder.resolve("xts_oracle.py");
        try (InputStream in = Vectors.class.getResourceAsStream("/vectors/xts_oracle.py")) {
            Files.copy(Objects.requireNonNull(in), script);
        }
        String seed = Long.toUnsignedString(random.nextLong());
        Process python;
        try {
            python = new ProcessBuilder("python3", script.toString(), seed)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            assumeTrue(false, "python3 is not installed: the committed lines of the same script are checked alone");
            return;
        }
        String output = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assumeTrue(python.waitFor() == 0, "python3 found no libcrypto.so.3");
        assertEquals(48, output.lines().count());
        for (String line : output.lines().toList()) {
            assertOracleLine(line);
        }
    }

    @Test
    void touchesNothingOutside() {
        byte[] before = randomBytes(MEMORY_BYTES);
        memory.bytes().put(0, before);
        int key = randomKey(64);
        engine.xts().encrypt(key, memory, 4096, 512, 7, 3);
        byte[] after = bytes(0, MEMORY_BYTES);
        assertFalse(Arrays.equals(before, 4096, 4096 + 1536, after, 4096, 4096 + 1536));
        engine.xts().decrypt(key, memory, 4096, 512, 7, 3);
        assertArrayEquals(before, bytes(0, MEMORY_BYTES));
        assertArrayEquals(Arrays.copyOf(before, 4096), Arrays.copyOf(after, 4096));
        assertArrayEquals(
                Arrays.copyOfRange(before, 4096 + 1536, MEMORY_BYTES),
                Arrays.copyOfRange(after, 4096 + 1536, MEMORY_BYTES));
    }

    @Test
    void enciphersARunAsItsUnitsOneByOne() {
        int key = randomKey(64);
        for (int unitBytes : new int[] {512, 4096}) {
            int count = MEMORY_BYTES / unitBytes;
            byte[] plain = randomBytes(MEMORY_BYTES);
            memory.bytes().put(0, plain);
            engine.xts().encrypt(key, memory, 0, unitBytes, 1000, count);
            byte[] together = bytes(0, MEMORY_BYTES);
            memory.bytes().put(0, plain);
            for (int i = 0; i < count; i++) {
                engine.xts().encrypt(key, memory, i * unitBytes, unitBytes, 1000 + i, 1);
            }
            assertArrayEquals(together, bytes(0, MEMORY_BYTES));
        }
    }

    @Test
    void readsUnwrittenUnitsAsZerosAmongWrittenOnes() {
        int key = randomKey(64);
        for (int unitBytes : new int[] {512, 4096}) {
            int count = MEMORY_BYTES / unitBytes;
            byte[] plain = randomBytes(MEMORY_BYTES);
            memory.bytes().put(0, plain);
            engine.xts().encrypt(key, memory, 0, unitBytes, 5, count);
            for (int i = 0; i < count; i++) {
                if (random.nextInt(3) == 0) {
                    memory.zero(i * unitBytes, unitBytes);
                    Arrays.fill(plain, i * unitBytes, (i + 1) * unitBytes, (byte) 0);
                }
            }
            engine.xts().decryptSparse(key, memory, 0, unitBytes, 5, count);
            assertArrayEquals(plain, bytes(0, MEMORY_BYTES));
        }
    }

    @Test
    void takesAUnitForUnwrittenOnlyIfAllOfItIsZero() {
        int key = randomKey(64);
        byte[] sparse = new byte[4096];
        sparse[4095] = 1;
        memory.bytes().put(0, sparse);
        engine.xts().decrypt(key, memory, 0, 4096, 9, 1);
        byte[] expected = bytes(0, 4096);
        memory.bytes().put(0, sparse);
        engine.xts().decryptSparse(key, memory, 0, 4096, 9, 1);
        assertArrayEquals(expected, bytes(0, 4096));
    }

    @Test
    void tellsWhenCiphertextCameOutAsZeros() {
        int key = randomKey(64);
        memory.zero(0, MEMORY_BYTES);
        // The plaintext that would be stored as zeros is what zeros decipher to.
        engine.xts().decrypt(key, memory, 3 * 4096, 4096, 100, 1);
        memory.bytes().put(0, randomBytes(3 * 4096));
        assertFalse(engine.xts().encrypt(key, memory, 0, 4096, 97, 3));
        assertTrue(engine.xts().encrypt(key, memory, 3 * 4096, 4096, 100, 1));
        assertArrayEquals(new byte[4096], bytes(3 * 4096, 4096));
    }

    @Test
    void usesTheNewKeyOfASlotThatWasFilledAgain() {
        int key = randomKey(64);
        byte[] plain = randomBytes(512);
        byte[] underFirst = encrypted(key, plain);
        byte[] second = randomBytes(64);
        engine.keys().put(key, ByteBuffer.wrap(second));
        byte[] underSecond = encrypted(key, plain);
        assertFalse(Arrays.equals(underFirst, underSecond));
        assertArrayEquals(encrypted(key(second), plain), underSecond);
    }

    @Test
    void refusesAFreedKey() {
        int key = randomKey(64);
        encrypted(key, randomBytes(512));
        engine.keys().free(key);
        assertThrows(IllegalStateException.class, () -> encrypted(key, randomBytes(512)));
    }

    @Test
    void refusesUnitsBeyondTheMemory() {
        int key = randomKey(64);
        assertThrows(IndexOutOfBoundsException.class, () -> engine.xts()
                .encrypt(key, memory, MEMORY_BYTES - 4096, 4096, 0, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> engine.xts().decrypt(key, memory, -16, 512, 0, 1));
        assertThrows(IllegalArgumentException.class, () -> engine.xts().decrypt(key, memory, 0, 512, -1, 1));
        assertThrows(
                IllegalArgumentException.class, () -> engine.xts().decrypt(key, memory, 0, 512, Long.MAX_VALUE, 2));
    }

    @Test
    void worksWithMoreKeysThanAreKeptReady() {
        byte[] plain = randomBytes(512);
        int[] keys = new int[700];
        byte[][] expected = new byte[keys.length][];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = randomKey(64);
            expected[i] = encrypted(keys[i], plain);
        }
        engine.forgetThread();
        for (int i = 0; i < keys.length; i++) {
            assertArrayEquals(expected[i], encrypted(keys[i], plain));
        }
    }

    private byte[] encrypted(int key, byte[] plain) {
        memory.bytes().put(0, plain);
        engine.xts().encrypt(key, memory, 0, plain.length, 42, 1);
        return bytes(0, plain.length);
    }

    private void assertBothWays(Vectors.Vector vector, String keyField, long unit, String plain, String cipher) {
        int key = key(vector.bytes(keyField));
        byte[] plainBytes = vector.bytes(plain);
        memory.bytes().put(0, plainBytes);
        engine.xts().encrypt(key, memory, 0, plainBytes.length, unit, 1);
        assertArrayEquals(vector.bytes(cipher), bytes(0, plainBytes.length), vector::toString);
        engine.xts().decrypt(key, memory, 0, plainBytes.length, unit, 1);
        assertArrayEquals(plainBytes, bytes(0, plainBytes.length), vector::toString);
        engine.keys().free(key);
    }

    private void assertOracleLine(String line) throws NoSuchAlgorithmException {
        String[] fields = line.split(" ");
        int unitBytes = Integer.parseInt(fields[1]);
        int count = Integer.parseInt(fields[2]);
        String label = fields[0] + "-" + unitBytes + "-" + count + "-" + fields[3];
        int key = key(stream(label + "/key/", 64));
        memory.bytes().put(0, stream(label + "/data/", unitBytes * count));
        engine.xts().encrypt(key, memory, 0, unitBytes, Long.parseUnsignedLong(fields[3]), count);
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes(0, unitBytes * count));
        assertEquals(fields[4], HexFormat.of().formatHex(digest), line);
        engine.keys().free(key);
    }

    private static byte[] stream(String prefix, int count) throws NoSuchAlgorithmException {
        ByteBuffer bytes = ByteBuffer.allocate(count);
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        for (int i = 0; bytes.hasRemaining(); i++) {
            byte[] block = digest.digest((prefix + i).getBytes(StandardCharsets.US_ASCII));
            bytes.put(block, 0, Math.min(block.length, bytes.remaining()));
        }
        return bytes.array();
    }

    private byte[] randomBytes(int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private byte[] bytes(int offset, int count) {
        byte[] bytes = new byte[count];
        memory.bytes().get(offset, bytes);
        return bytes;
    }

    static long low(byte[] tweak) {
        return ByteBuffer.wrap(tweak).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    }

    static long high(byte[] tweak) {
        return ByteBuffer.wrap(tweak).order(ByteOrder.LITTLE_ENDIAN).getLong(8);
    }
}
